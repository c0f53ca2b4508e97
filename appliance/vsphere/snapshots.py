"""Snapshots: taken with a mark, removed on every exit."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pyVmomi import vim

from appliance.errors import VcenterError
from appliance.model.identifiers import ManagedObjectId
from appliance.model.recovery_points import Consistency
from appliance.model.virtual_machines import VirtualMachine
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.errors import (
    ConsolidationError,
    ObjectGoneError,
    QuiesceFailedError,
    SnapshotRemovalError,
    VcenterAnswerError,
)
from appliance.vsphere.faults import translated
from appliance.vsphere.marks import Mark, SnapshotMark, SnapshotPurpose, read_description
from appliance.vsphere.properties import moref_of, properties_of
from appliance.vsphere.quiescing import Quiesce, guest_state, quiesce_specification, steps_down
from appliance.vsphere.retries import with_patience
from appliance.vsphere.snapshot_tree import SnapshotFacts, facts_of_node, find_marked, nodes_of
from appliance.vsphere.tasks import wait_for_task

log = logging.getLogger(__name__)

# A snapshot that has grown for days takes hours to merge.
REMOVAL_LIMIT_SECONDS = 24 * 3600.0


@contextmanager
def snapshot_of(
    connection: VcenterConnection, machine: VirtualMachine, mark: Mark, *, quiesce: Quiesce
) -> Iterator[SnapshotFacts]:
    """A snapshot that is removed on every exit, its disks consolidated.

    Raises:
        QuiesceFailedError: not even `quiesce.least` could be had.
        SnapshotRemovalError: the body ended well, but the snapshot stays; the reaper has the rest.
        ConsolidationError: the snapshot is gone, but its files are not merged.
    """
    try:
        facts = create_snapshot(connection, machine, mark, quiesce=quiesce)
        yield facts
    except BaseException as error:
        _remove_after(error, connection, machine.moref, mark)
        raise
    remove_snapshot(connection, machine.moref, facts.moref)


def create_snapshot(
    connection: VcenterConnection, machine: VirtualMachine, mark: Mark, *, quiesce: Quiesce
) -> SnapshotFacts:
    """Take a snapshot without memory; one that already carries this mark is taken over, not made twice.

    Raises:
        QuiesceFailedError: not even `quiesce.least` could be had.
        VcenterError: vCenter refused, or stayed busy for minutes.
    """
    notes: list[str] = []
    guest = guest_state(connection, machine)
    for level in steps_down(quiesce, guest):
        try:
            taken = take_marked_snapshot(
                connection,
                machine,
                SnapshotMark(mark, SnapshotPurpose.BACKUP, level),
                quiesce_specification(level, guest, quiesce.timeout_minutes),
            )
        except QuiesceFailedError as error:
            notes.append(f"no {level} snapshot: {error}")
            log.warning("guest did not quiesce", extra={"machine": machine.name, "reason": str(error)})
            continue
        return facts_of_node(connection, machine.moref, taken, tuple(notes) + guest.notes(quiesce))
    reasons = "; ".join(notes) or "; ".join(guest.notes(quiesce))
    raise QuiesceFailedError(
        f"machine {machine.name} gets no snapshot of at least {quiesce.least}: {reasons}"
    )


def take_marked_snapshot(
    connection: VcenterConnection,
    machine: VirtualMachine,
    mark: SnapshotMark,
    quiesce_spec: vim.vm.GuestQuiesceSpec | None,
) -> vim.vm.SnapshotTree:
    """The node of a snapshot with this mark: the one that is there, or a new one.

    Before every try the machine is searched for it: an earlier try whose answer was lost may have worked.
    """
    doing = f"taking a snapshot of {machine.name}"
    reference = connection.object_of(vim.VirtualMachine, machine.moref)

    def attempt() -> vim.vm.SnapshotTree | None:
        with translated(doing):
            found = find_marked(connection, machine.moref, mark)
            if found is None:
                wait_for_task(connection, _start(reference, mark, quiesce_spec), doing)
                found = find_marked(connection, machine.moref, mark)
            return found

    taken = with_patience(connection.clock, attempt)
    if taken is None:
        raise VcenterAnswerError(f"{doing}: the task succeeded, but there is no snapshot {mark.name!r}")
    return taken


def stun(connection: VcenterConnection, machine: VirtualMachine, mark: Mark) -> None:
    """Take and remove a snapshot, so that what was reconfigured comes into effect on a running machine.

    Raises:
        SnapshotRemovalError: it stays; the reaper has the rest.
        ConsolidationError: it is gone, but its files are not merged.
    """
    try:
        purpose = SnapshotMark(mark, SnapshotPurpose.TRACKING, Consistency.CRASH)
        taken = take_marked_snapshot(connection, machine, purpose, None)
    except BaseException as error:
        _remove_after(error, connection, machine.moref, mark)
        raise
    remove_snapshot(connection, machine.moref, moref_of(taken.snapshot))


def remove_snapshot(
    connection: VcenterConnection, machine: ManagedObjectId, snapshot: ManagedObjectId
) -> None:
    """Remove one snapshot (gone already is fine) and consolidate if the machine then needs it.

    Raises:
        SnapshotRemovalError: it could not be removed, with the last reason.
        ConsolidationError: it is gone, but the disks are not merged.
    """
    doing = f"removing {snapshot} of {machine}"
    reference = connection.object_of(vim.vm.Snapshot, snapshot)

    def attempt() -> None:
        with translated(doing):
            task = reference.RemoveSnapshot_Task(removeChildren=False, consolidate=True)
            wait_for_task(connection, task, doing, limit_seconds=REMOVAL_LIMIT_SECONDS)

    try:
        with_patience(connection.clock, attempt)
    except ObjectGoneError:
        log.info("snapshot was gone already", extra={"machine": machine, "snapshot": snapshot})
    except VcenterError as error:
        raise SnapshotRemovalError(str(error)) from error
    consolidate_if_needed(connection, machine)


def consolidate_if_needed(connection: VcenterConnection, machine: ManagedObjectId) -> None:
    """Merge what a removed snapshot has left, if vCenter says that something is left.

    Raises:
        ConsolidationError: the disks are not merged.
    """
    doing = f"consolidating the disks of {machine}"
    needed = "runtime.consolidationNeeded"
    reference = connection.object_of(vim.VirtualMachine, machine)

    def attempt() -> None:
        with translated(doing):
            if properties_of(connection, reference, "name", needed).get(needed):
                task = reference.ConsolidateVMDisks_Task()
                wait_for_task(connection, task, doing, limit_seconds=REMOVAL_LIMIT_SECONDS)

    try:
        with_patience(connection.clock, attempt)
    except ObjectGoneError:
        return  # the machine was deleted, its disks with it
    except VcenterError as error:
        raise ConsolidationError(str(error)) from error


def _start(
    machine: vim.VirtualMachine, mark: SnapshotMark, quiesce_spec: vim.vm.GuestQuiesceSpec | None
) -> vim.Task:
    """Start the task: the guest's memory is never part of it, it would stun the machine for minutes."""
    task: vim.Task
    if quiesce_spec is None:
        task = machine.CreateSnapshot_Task(mark.name, mark.description, memory=False, quiesce=False)
    else:
        task = machine.CreateSnapshotEx_Task(
            mark.name, mark.description, memory=False, quiesceSpec=quiesce_spec
        )
    return task


def _remove_after(
    error: BaseException, connection: VcenterConnection, machine: ManagedObjectId, mark: Mark
) -> None:
    """Remove what carries the mark, without hiding the error that ended the body."""
    try:
        with translated(f"looking for snapshots of run {mark.run} on {machine}"):
            left = [
                moref_of(node.snapshot)
                for node in nodes_of(connection, machine)
                if (found := read_description(node.description)) is not None and found.mark == mark
            ]
        for snapshot in left:
            remove_snapshot(connection, machine, snapshot)
    except VcenterError as second:
        error.add_note(f"and the snapshot stays until the next start: {second}")
        log.warning("snapshot stays for the reaper", extra={"machine": machine, "reason": str(second)})

"""Changed block tracking: turned on where it is safe, asked with proof that nothing was left out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum

from pyVmomi import vim

from appliance.errors import ChangeTrackingError, VcenterError
from appliance.model.change_tracking import ChangedAreas, ChangeId
from appliance.model.virtual_machines import PowerState, VirtualDisk, VirtualMachine
from appliance.vsphere.change_pages import ReportedArea, ReportedPage, collect_areas
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.errors import (
    ChangeIdMissingError,
    ConsolidationError,
    ObjectGoneError,
    SnapshotRemovalError,
    TrackingQueryError,
    TrackingResetError,
)
from appliance.vsphere.faults import translated
from appliance.vsphere.inventory import machine_by_moref
from appliance.vsphere.marks import Mark
from appliance.vsphere.retries import with_patience
from appliance.vsphere.snapshot_tree import SnapshotFacts
from appliance.vsphere.snapshots import stun
from appliance.vsphere.tasks import wait_for_task

log = logging.getLogger(__name__)

# The change id that stands for "since the disk was made".
_SINCE_CREATION = "*"


class TrackingState(StrEnum):
    """Whether a machine's changes are tracked, after Keepline asked for it."""

    ENABLED_ALREADY = "enabled-already"
    ENABLED_NOW = "enabled-now"
    BLOCKED_BY_SNAPSHOTS = "blocked-by-snapshots"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class TrackingOutcome:
    """The state, with the reason in words for the run's log."""

    state: TrackingState
    reason: str

    @property
    def in_effect(self) -> bool:
        """Whether the next snapshot's disks can be expected to have change ids."""
        return self.state in {TrackingState.ENABLED_ALREADY, TrackingState.ENABLED_NOW}


def ensure_tracking(connection: VcenterConnection, machine: VirtualMachine, mark: Mark) -> TrackingOutcome:
    """Turn change tracking on if it is off and may be turned on: only without snapshots.

    vSphere takes the wish also with snapshots and then tracks wrongly (Broadcom KB 320557). On a running
    machine tracking starts at a snapshot, so one is taken and removed, with `mark`.

    Raises:
        SnapshotRemovalError: that snapshot stays.
        ConsolidationError: the machine needs consolidation after it.
        VcenterUnreachableError: vCenter is away.
    """
    machine = machine_by_moref(connection, machine.moref)
    outcome = _outcome_without_change(machine)
    if outcome is not None:
        return outcome
    try:
        _set_tracking(connection, machine, mark, enabled=True)
    except (SnapshotRemovalError, ConsolidationError):
        raise
    except VcenterError as error:
        if error.transient:
            raise
        return TrackingOutcome(
            TrackingState.REFUSED, f"vCenter did not turn change tracking on for {machine.name}: {error}"
        )
    return TrackingOutcome(TrackingState.ENABLED_NOW, f"change tracking was turned on for {machine.name}")


def disable_tracking(connection: VcenterConnection, machine: VirtualMachine, mark: Mark) -> None:
    """Turn change tracking off, in effect: every change id so far becomes worthless."""
    _set_tracking(connection, machine_by_moref(connection, machine.moref), mark, enabled=False)


def changed_areas(
    connection: VcenterConnection,
    machine: VirtualMachine,
    snapshot: SnapshotFacts,
    disk: VirtualDisk,
    since: ChangeId,
) -> ChangedAreas:
    """What may differ between `since` and the snapshot, for the whole disk; `disk` is one of the snapshot's.

    Raises:
        ChangeIdMissingError: the snapshot's disk has no change id.
        TrackingResetError: it is of another epoch than `since`, or older.
        TrackingQueryError: the query was refused.
        ChangeTrackingError: its pages do not cover the disk exactly once.
        ObjectGoneError: the snapshot is gone.
    """
    label = f"{machine.name} / {disk.label}"
    if disk.change_id is None:
        raise ChangeIdMissingError(f"{label} has no change id in {snapshot.moref}")
    if disk.change_id.epoch != since.epoch or disk.change_id.sequence < since.sequence:
        raise TrackingResetError(
            f"change tracking was reset on {label}: the parent has {since}, the disk now has {disk.change_id}"
        )
    return _query(connection, machine, snapshot, disk, str(since))


def allocated_areas_by_tracking(
    connection: VcenterConnection, machine: VirtualMachine, snapshot: SnapshotFacts, disk: VirtualDisk
) -> ChangedAreas:
    """What was ever written, by the `*` query; an option only where Keepline turned tracking on itself.

    Deprecated by VMware since 6.7 in favour of QueryAllocatedBlocks, and one area over all on some
    datastores.

    Raises:
        ChangeTrackingError: as `changed_areas`.
    """
    if disk.change_id is None:
        raise ChangeIdMissingError(f"{machine.name} / {disk.label} has no change id in {snapshot.moref}")
    return _query(connection, machine, snapshot, disk, _SINCE_CREATION)


def _query(
    connection: VcenterConnection,
    machine: VirtualMachine,
    snapshot: SnapshotFacts,
    disk: VirtualDisk,
    change_id: str,
) -> ChangedAreas:
    label = f"{machine.name} / {disk.label}"
    reference = connection.object_of(vim.VirtualMachine, machine.moref)
    at = connection.object_of(vim.vm.Snapshot, snapshot.moref)

    def ask(position: int) -> ReportedPage:
        with translated(f"asking for the changes of {label} since {change_id}"):
            answer = reference.QueryChangedDiskAreas(at, disk.device_key, position, change_id)
        areas = [ReportedArea(int(area.start), int(area.length)) for area in answer.changedArea]
        return ReportedPage(int(answer.startOffset), int(answer.length), areas)

    try:
        return collect_areas(
            lambda position: with_patience(connection.clock, lambda: ask(position)),
            disk.capacity,
            change_id,
            label,
        )
    except ObjectGoneError:
        raise
    except VcenterError as error:
        # FileFault (the tracking file is missing or another epoch's), InvalidArgument, NotFound and what
        # else a host may say: none of them stops a run, the disk is then read as a whole.
        if error.transient or isinstance(error, ChangeTrackingError):
            raise
        raise TrackingQueryError(str(error)) from error


def _outcome_without_change(machine: VirtualMachine) -> TrackingOutcome | None:
    """What there is to say when tracking needs no change, or must not be changed."""
    if machine.change_tracking_enabled:
        return TrackingOutcome(
            TrackingState.ENABLED_ALREADY, f"change tracking is on for {machine.name} already"
        )
    if machine.is_template or not machine.change_tracking_supported:
        why = "it is a template" if machine.is_template else "its hardware version or a feature rules it out"
        return TrackingOutcome(
            TrackingState.UNSUPPORTED, f"{machine.name} does not support change tracking: {why}"
        )
    if machine.snapshot_count:
        return TrackingOutcome(
            TrackingState.BLOCKED_BY_SNAPSHOTS,
            f"change tracking is off for {machine.name} and cannot be turned on safely while it has "
            f"{machine.snapshot_count} snapshots: delete them, the next run then turns it on",
        )
    return None


def _set_tracking(
    connection: VcenterConnection, machine: VirtualMachine, mark: Mark, *, enabled: bool
) -> None:
    reference = connection.object_of(vim.VirtualMachine, machine.moref)
    doing = f"turning change tracking {'on' if enabled else 'off'} for {machine.name}"

    def attempt() -> None:
        with translated(doing):
            wait_for_task(
                connection, reference.ReconfigVM_Task(vim.vm.ConfigSpec(changeTrackingEnabled=enabled)), doing
            )

    with_patience(connection.clock, attempt)
    if machine.power_state is PowerState.ON:
        # Takes effect only when the machine stops for a moment (API reference, "changeTrackingEnabled").
        stun(connection, machine, mark)

"""Snapshots: taken with a mark, removed on every exit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from appliance.model.identifiers import InstallationId, ManagedObjectId
from appliance.model.recovery_points import Consistency
from appliance.model.virtual_machines import VirtualDisk, VirtualMachine
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.marks import Mark


@dataclass(frozen=True, slots=True)
class Quiesce:
    """What the guest is told before the snapshot.

    `wanted` is tried `attempts` times, then weaker ones down to `least`; FILESYSTEM asks VMware Tools to
    flush, APPLICATION asks Windows' VSS in addition (a Linux guest runs its freeze scripts).
    """

    wanted: Consistency = Consistency.CRASH
    least: Consistency = Consistency.CRASH
    attempts: int = 2
    timeout_minutes: int = 10


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """One snapshot as vCenter keeps it.

    `disks` come from the snapshot's own configuration: backing paths to open, capacities and change ids;
    disks that no snapshot can hold carry their exclusion reason. `created_at` is vCenter's time.
    `notes` are what the operator must know (a quiesced attempt that failed).
    """

    moref: ManagedObjectId
    machine: ManagedObjectId
    created_at: datetime
    disks: tuple[VirtualDisk, ...]
    consistency: Consistency
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MarkedSnapshot:
    """A snapshot that carries a mark of ours."""

    snapshot: ManagedObjectId
    machine: ManagedObjectId
    machine_name: str
    mark: Mark
    created_at: datetime


@contextmanager
def snapshot_of(
    connection: VcenterConnection, machine: VirtualMachine, mark: Mark, *, quiesce: Quiesce
) -> Iterator[SnapshotFacts]:
    """A snapshot that is removed on every exit, its disks consolidated.

    Raises:
        QuiesceFailedError: not even `quiesce.least` could be had.
        SnapshotRemovalError: the body ended well, but the snapshot stays; the reaper has the rest.
    """
    yield create_snapshot(connection, machine, mark, quiesce=quiesce)


def create_snapshot(
    connection: VcenterConnection, machine: VirtualMachine, mark: Mark, *, quiesce: Quiesce
) -> SnapshotFacts:
    """Take a snapshot without memory; one that already carries this mark is taken over, not made twice."""
    raise NotImplementedError


def remove_snapshot(
    connection: VcenterConnection, machine: ManagedObjectId, snapshot: ManagedObjectId
) -> None:
    """Remove one snapshot (gone already is fine) and consolidate if the machine then needs it.

    Raises:
        SnapshotRemovalError: it could not be removed, with the last reason.
        ConsolidationError: it is gone, but the disks are not merged.
    """
    raise NotImplementedError


def snapshots_marked_by(connection: VcenterConnection, installation: InstallationId) -> list[MarkedSnapshot]:
    """Every snapshot this installation has left, on whatever machine."""
    raise NotImplementedError


def snapshot_facts(
    connection: VcenterConnection, machine: ManagedObjectId, snapshot: ManagedObjectId
) -> SnapshotFacts | None:
    """The facts of a snapshot that may still exist, for a resumed run; None when it is gone."""
    raise NotImplementedError

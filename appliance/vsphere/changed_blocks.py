"""Changed block tracking: turned on where it is safe, asked with proof that nothing was left out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.model.change_tracking import ChangedAreas, ChangeId
from appliance.model.virtual_machines import VirtualDisk, VirtualMachine
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.marks import Mark
from appliance.vsphere.snapshots import SnapshotFacts


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

    On a running machine tracking starts at a snapshot, so one is taken and removed, with `mark`.
    """
    raise NotImplementedError


def disable_tracking(connection: VcenterConnection, machine: VirtualMachine, mark: Mark) -> None:
    """Turn change tracking off, in effect: every change id so far becomes worthless."""
    raise NotImplementedError


def changed_areas(
    connection: VcenterConnection,
    machine: VirtualMachine,
    snapshot: SnapshotFacts,
    disk: VirtualDisk,
    since: ChangeId,
) -> ChangedAreas:
    """What may differ between `since` and the snapshot, for the whole disk; `disk` is one of the snapshot's.

    Raises:
        ChangeTrackingError: the query was refused, or its pages do not cover the disk exactly once.
    """
    raise NotImplementedError


def allocated_areas_by_tracking(
    connection: VcenterConnection, machine: VirtualMachine, snapshot: SnapshotFacts, disk: VirtualDisk
) -> ChangedAreas:
    """What was ever written, by the `*` query; an option only where Keepline turned tracking on itself."""
    raise NotImplementedError

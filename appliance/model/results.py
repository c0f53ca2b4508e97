"""What ended runs answer: the JSON documents in the run table's `result` column."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.model.change_tracking import ReadScope, ScopeReason
from appliance.model.identifiers import ManagedObjectId, RecoveryPointId
from appliance.model.recovery_points import Consistency, DiskStatistics
from appliance.model.virtual_machines import ExclusionReason


@dataclass(frozen=True, slots=True)
class DiskResult:
    """One disk of a backup: what was looked at and why, and what it cost. Bytes are in `statistics`."""

    label: str
    capacity: int
    scope: ReadScope
    scope_reason: ScopeReason
    statistics: DiskStatistics
    transport_mode: str
    resumed_blocks: int
    mover_peak_anonymous_memory: int


@dataclass(frozen=True, slots=True)
class GapResult:
    """One disk that is not in the point."""

    label: str
    reason: ExclusionReason
    accepted: bool


@dataclass(frozen=True, slots=True)
class BackupResult:
    """A recovery point and how it came to be; `total` adds the disks' statistics up.

    `suspect_points` are earlier points in which change tracking was found to have lied.
    """

    point: RecoveryPointId
    machine: str
    consistency: Consistency
    disks: tuple[DiskResult, ...]
    gaps: tuple[GapResult, ...]
    total: DiskStatistics
    snapshot_seconds: float
    suspect_points: tuple[RecoveryPointId, ...] = ()


@dataclass(frozen=True, slots=True)
class RestoreDiskResult:
    """A disk of a point as a file."""

    point: RecoveryPointId
    disk: str
    target: str
    capacity: int
    written: int


@dataclass(frozen=True, slots=True)
class RestoredDisk:
    """A disk of a new machine; `read_back` bytes were read again and compared."""

    label: str
    capacity: int
    written: int
    read_back: int
    transport_mode: str


@dataclass(frozen=True, slots=True)
class RestoreMachineResult:
    """A point as a new machine."""

    point: RecoveryPointId
    machine: ManagedObjectId
    name: str
    disks: tuple[RestoredDisk, ...]
    warnings: tuple[str, ...]
    powered_on: bool


@dataclass(frozen=True, slots=True)
class DamagedDisk:
    """Blocks of one disk of one point that cannot be read back."""

    point: RecoveryPointId
    machine: str
    disk: str
    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a verification read, and what it found damaged."""

    points: int
    disks: int
    read: int
    damaged: tuple[DamagedDisk, ...]
    findings: tuple[str, ...] = ()

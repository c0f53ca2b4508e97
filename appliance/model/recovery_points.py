"""What a repository holds: recovery points, their disk images, and the objects these name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.model.change_tracking import CoverageProof, ReadScope, ScopeReason
from appliance.model.identifiers import InstallationId, RecoveryPointId, RepositoryId, RunId
from appliance.model.virtual_machines import ExclusionReason, MachineIdentity, VirtualDisk


class Consistency(StrEnum):
    """What the guest was told before the snapshot, the weakest first."""

    CRASH = "crash"
    FILESYSTEM = "filesystem"
    APPLICATION = "application"

    @property
    def strength(self) -> int:
        """Its place among them: a stronger one has a higher number."""
        return list(Consistency).index(self)


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """An object of the repository with the facts that prove it whole: length and BLAKE3 in hexadecimal."""

    key: str
    length: int
    digest: str


class BlockMapKind(StrEnum):
    """In a delta, no row means unchanged; in a full map, no row means zero."""

    DELTA = "delta"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class BlockMapReference:
    """One Parquet block map."""

    kind: BlockMapKind
    object: ObjectReference
    row_count: int
    point: RecoveryPointId


@dataclass(frozen=True, slots=True)
class DiskStatistics:
    """Bytes of one disk in one run.

    `examined` was named by the scope, `read` came over the transport, `stored` is what segments grew by,
    `deduplicated` was found in the repository, `zero` was found all zero, `unchanged` equalled the parent.
    """

    examined: int = 0
    read: int = 0
    stored: int = 0
    deduplicated: int = 0
    zero: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class DiskImage:
    """One disk of one point; `block_maps` newest first, the last one full."""

    disk: VirtualDisk
    block_size: int
    block_maps: tuple[BlockMapReference, ...]
    scope: ReadScope
    scope_reason: ScopeReason
    statistics: DiskStatistics
    transport_mode: str
    coverage: CoverageProof | None = None
    parent: RecoveryPointId | None = None


@dataclass(frozen=True, slots=True)
class ExcludedDisk:
    """A disk of the machine that is not in the point, and why; `accepted` when the request named it."""

    disk: VirtualDisk
    reason: ExclusionReason
    accepted: bool


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """What a manifest says: one machine at one moment."""

    id: RecoveryPointId
    repository: RepositoryId
    installation: InstallationId
    machine: MachineIdentity
    machine_name: str
    machine_path: str
    created_at: datetime
    consistency: Consistency
    images: tuple[DiskImage, ...]
    excluded_disks: tuple[ExcludedDisk, ...]
    configuration: ObjectReference
    vmx: ObjectReference | None
    nvram: ObjectReference | None
    software: str
    protected_until: datetime | None = None

    @property
    def has_gaps(self) -> bool:
        """Whether a disk is missing that nobody accepted as missing."""
        return any(not excluded.accepted for excluded in self.excluded_disks)


class TombstoneReason(StrEnum):
    """Why a point is no longer offered."""

    RETIRED = "retired"
    WITHDRAWN = "withdrawn"
    """Its own commit found an object gone right after the manifest was put."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A point that is no longer offered; nothing of it is deleted."""

    format: str
    machine: str
    point: RecoveryPointId
    retired_at: datetime
    reason: TombstoneReason
    explanation: str


@dataclass(frozen=True, slots=True)
class BlockRange:
    """`count` blocks from block `first` on."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class SuspectDisk:
    """The blocks of one disk that a point may hold older bytes of."""

    label: str
    device_key: int
    backing_uuid: str
    ranges: tuple[BlockRange, ...]


@dataclass(frozen=True, slots=True)
class SuspectMark:
    """A later run read blocks that differ although change tracking had not named them."""

    format: str
    machine: str
    point: RecoveryPointId
    found_by: RunId
    found_at: datetime
    explanation: str
    disks: tuple[SuspectDisk, ...]

"""What the control channel of the simulated vCenter answers; its README says what each key means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar  # JSON of the channel

from keepline_lab.errors import LabError

Value = TypeVar("Value")


class NamedDisk(Protocol):
    """What a disk is found by."""

    @property
    def label(self) -> str:
        """As vSphere shows it."""
        ...

    @property
    def key(self) -> int:
        """The device key."""
        ...


AnyDisk = TypeVar("AnyDisk", bound=NamedDisk)


def named_disk(machine: str, disks: Sequence[AnyDisk], name: str | int) -> AnyDisk:
    """Return the disk whose label, device key or index from 0 is `name`.

    Raises:
        LabError: there is none.
    """
    for index, candidate in enumerate(disks):
        if str(name) in {candidate.label, str(candidate.key), str(index)}:
            return candidate
    labels = ", ".join(f"{candidate.label!r}" for candidate in disks)
    raise LabError(f"{machine} has no disk {str(name)!r}, only {labels or 'none'}")


@dataclass(frozen=True, slots=True)
class DiskState:
    """One virtual disk now; `flat` holds its bytes, `file` is what vCenter calls it."""

    key: int
    label: str
    file: str
    flat: Path
    uuid: str
    capacity: int
    sector_size: int
    excluded: str
    change_id: str
    tracking: bool


@dataclass(frozen=True, slots=True)
class MachineState:
    """One virtual machine now; `moref` is its managed object ID."""

    name: str
    moref: str
    host: str
    instance_uuid: str
    bios_uuid: str
    power: str
    change_tracking: bool
    consolidation_needed: bool
    connection_state: str
    vmx: str
    disks: tuple[DiskState, ...]

    def disk(self, disk: str | int) -> DiskState:
        """Return a disk by label, device key or zero-based index.

        Raises:
            LabError: the machine has no such disk.
        """
        return named_disk(self.name, self.disks, disk)


@dataclass(frozen=True, slots=True)
class FrozenFiles:
    """Where a disk as of a snapshot lies (tests/simulators/README.md, "Reading a frozen disk")."""

    flat: Path
    cow: Path
    map: Path


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """One snapshot; the dictionaries are by device key."""

    machine: str
    moref: str
    name: str
    description: str
    created: str
    change_ids: dict[int, str]
    files: dict[int, str]
    frozen: dict[int, FrozenFiles]


@dataclass(frozen=True, slots=True)
class AccessHold:
    """Who holds a machine by PrepareForAccess."""

    machine: str
    identity: str
    since: str


@dataclass(frozen=True, slots=True)
class OpenHandle:
    """One disk that a client of the library has open, or left attached."""

    id: str
    machine: str
    snapshot: str
    host: str
    key: int
    file: str
    mode: str
    writing: bool
    client: str
    dead: bool


@dataclass(frozen=True, slots=True)
class VcenterState:
    """What a test wants to find clean after a run; `calls` counts API calls by method."""

    snapshots: tuple[SnapshotState, ...]
    holds: tuple[AccessHold, ...]
    open_handles: tuple[OpenHandle, ...]
    attached: tuple[OpenHandle, ...]
    sessions: int
    rest_sessions: int
    calls: dict[str, int]


@dataclass(frozen=True, slots=True)
class TagState:
    """One tag, and the managed object IDs of the machines that it hangs on."""

    category: str
    name: str
    machines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What a guest write changed: bytes in all, and the ranges as (offset, length)."""

    bytes: int
    extents: tuple[tuple[int, int], ...]


def machine_of(document: dict[str, Any]) -> MachineState:
    """Read one machine of the answer to `machines`."""
    disks = tuple(_value(DiskState, disk, flat=Path(disk["flat"])) for disk in document["disks"])
    return _value(MachineState, document, disks=disks)


def state_of(document: dict[str, Any]) -> VcenterState:
    """Read the answer to `state`."""
    return _value(
        VcenterState,
        document,
        snapshots=tuple(map(_snapshot_of, document["snapshots"])),
        holds=tuple(_value(AccessHold, hold) for hold in document["holds"]),
        open_handles=tuple(_value(OpenHandle, handle) for handle in document["open_handles"]),
        attached=tuple(_value(OpenHandle, handle) for handle in document["attached"]),
    )


def tag_of(document: dict[str, Any]) -> TagState:
    """Read one tag of the answer to `tags`."""
    return _value(TagState, document, machines=tuple(document["machines"]))


def written_of(document: dict[str, Any]) -> Written:
    """Read the answer to a guest write."""
    return Written(
        document["bytes"], tuple((extent["offset"], extent["length"]) for extent in document["extents"])
    )


def _snapshot_of(document: dict[str, Any]) -> SnapshotState:
    frozen = {
        int(key): FrozenFiles(**{name: Path(path) for name, path in files.items()})
        for key, files in document["frozen"].items()
    }
    texts = {
        name: {int(key): text for key, text in document[name].items()} for name in ("change_ids", "files")
    }
    return _value(SnapshotState, document, frozen=frozen, **texts)


def _value(kind: type[Value], document: dict[str, Any], **converted: Any) -> Value:
    """Build a value of the keys that it has; more keys in the answer do not matter, fewer do."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # always a dataclass
    return kind(**{name: converted[name] if name in converted else document[name] for name in names})

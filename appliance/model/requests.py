"""What each kind of run is asked to do: the JSON documents in the run table's `request` column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from appliance.model.disk_tasks import TargetFormat
from appliance.model.identifiers import ManagedObjectId, RecoveryPointId
from appliance.model.recovery_points import Consistency
from appliance.model.virtual_machines import MachineIdentity


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """Back up one machine; `accepted_disks` are labels of disks whose absence is no gap.

    `machine` is where the machine was when it was asked for; `identity` says which one it is. `full`
    asks for a safe full: everything is read, what differs from the parent is stored. `consistency` is what
    the guest is asked for; where it cannot be had, a weaker one is taken, and the run's log says so.
    """

    vcenter: str
    machine: ManagedObjectId
    identity: MachineIdentity
    accepted_disks: tuple[str, ...] = ()
    full: bool = False
    consistency: Consistency = Consistency.CRASH


def combined(first: BackupRequest, second: BackupRequest) -> BackupRequest:
    """`first`, with the stronger of each wish; a disk may be missing only where both accept it."""
    return replace(
        first,
        accepted_disks=tuple(disk for disk in first.accepted_disks if disk in second.accepted_disks),
        full=first.full or second.full,
        consistency=max(first.consistency, second.consistency, key=lambda each: each.strength),
    )


def unmet_wishes(done: BackupRequest, wish: BackupRequest) -> tuple[str, ...]:
    """What a run that does `done` does otherwise than `wish` asks; what it does beyond that is no matter."""
    return tuple(_differences(done, wish))


def _differences(done: BackupRequest, wish: BackupRequest) -> Iterator[str]:
    if wish.full and not done.full:
        yield "not every disk is read as a whole"
    if wish.consistency.strength > done.consistency.strength:
        yield f"the guest is asked for {done.consistency} consistency, not {wish.consistency}"
    for disk in done.accepted_disks:
        if disk not in wish.accepted_disks:
            yield f"{disk} may be missing without being a gap"
    for disk in wish.accepted_disks:
        if disk not in done.accepted_disks:
            yield f"{disk} is a gap when it is missing"


@dataclass(frozen=True, slots=True)
class RestoreDiskRequest:
    """Write one disk of a point, named by its device key there, to a new file (an absolute path)."""

    point: RecoveryPointId
    device_key: int
    target: str
    target_format: TargetFormat = TargetFormat.RAW


@dataclass(frozen=True, slots=True)
class RestoreMachineRequest:
    """Make a new machine from a point; names are vCenter's, None means "as the machine had it".

    `networks` pairs a network's name in the point with the one to connect to; cards of others stay
    disconnected.
    """

    point: RecoveryPointId
    vcenter: str
    name: str
    datastore: str | None = None
    folder: str | None = None
    cluster: str | None = None
    host: str | None = None
    networks: tuple[tuple[str, str], ...] = ()
    power_on: bool = False


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Read every block of one point and compare its digest."""

    point: RecoveryPointId


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Look at every object that the repository's manifests name; with `read_data`, read all of them."""

    read_data: bool = False

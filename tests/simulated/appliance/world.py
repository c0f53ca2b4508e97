"""A machine with a history: steps act on the laboratory, and what each backup must hold is kept."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from appliance.model.disk_tasks import TargetFormat
from appliance.model.identifiers import RecoveryPointId
from appliance.model.runs import RunState
from keepline_lab import Lab
from keepline_lab.control_values import DiskState, MachineState
from tests.simulated.appliance.installation import (
    Installation,
    contents_of,
    converted_to_raw,
    ours_left,
    result_of,
)

Name = TypeVar("Name", str, int)

SECTOR = 512
GROWTH = 1024
"""vSphere grows disks by whole KiB."""
LARGEST_DISK = 8 << 20


@dataclass(frozen=True, slots=True)
class Moment:
    """What the disks held when a backup began: by backing UUID, and by device key."""

    by_backing: dict[str, bytes]
    by_key: dict[int, bytes]

    @classmethod
    def of(cls, machine: MachineState) -> Moment:
        by_backing = contents_of(machine)
        return cls(by_backing, {disk.key: by_backing[disk.uuid] for disk in machine.disks})


@dataclass(slots=True)
class World:
    """One machine of a laboratory, its appliance, and the bytes that every point must have."""

    installation: Installation
    moref: str
    folder: Path
    moments: dict[RecoveryPointId, Moment] = field(default_factory=dict)
    snapshots: list[str] = field(default_factory=list)
    restored: int = 0

    @property
    def lab(self) -> Lab:
        return self.installation.lab

    def machine(self) -> MachineState:
        return self.lab.control.machine(self.moref)

    def disk(self, number: int) -> DiskState:
        disks = self.machine().disks
        return disks[number % len(disks)]

    def check_everything(self) -> None:
        """Every listed point has the bytes of its moment, and nothing of ours is left in vCenter."""
        listing = self.installation.listing()
        assert listing.damaged == ()
        assert {listed.point.id for listed in listing.points} == set(self.moments)
        for point, moment in self.moments.items():
            assert_same(self.installation.disks_of(point), moment.by_backing)
        assert ours_left(self.lab) == []


class Step(Protocol):
    """One thing that happens; what is impossible at that moment does not happen."""

    def happen(self, world: World) -> None: ...


@dataclass(frozen=True, slots=True)
class GuestWrites:
    """`place` and `length` are thousandths of the disk."""

    disk: int
    place: int
    length: int
    seed: int

    def happen(self, world: World) -> None:
        disk = world.disk(self.disk)
        offset, length = range_of(disk.capacity, self.place, self.length)
        world.lab.control.write_random(world.moref, disk.key, offset, length, seed=self.seed)


@dataclass(frozen=True, slots=True)
class GuestZeroes:
    disk: int
    place: int
    length: int

    def happen(self, world: World) -> None:
        disk = world.disk(self.disk)
        world.lab.control.zero(world.moref, disk.key, *range_of(disk.capacity, self.place, self.length))


@dataclass(frozen=True, slots=True)
class DiskGrows:
    disk: int
    kibibytes: int

    def happen(self, world: World) -> None:
        disk = world.disk(self.disk)
        capacity = (disk.capacity // GROWTH + self.kibibytes) * GROWTH
        if not world.snapshots and capacity <= LARGEST_DISK:
            world.lab.control.extend(world.moref, disk.key, capacity)


@dataclass(frozen=True, slots=True)
class DiskIsSwapped:
    disk: int
    sectors: int

    def happen(self, world: World) -> None:
        if not world.snapshots:
            size = self.sectors * SECTOR
            world.lab.control.swap_disk(world.moref, world.disk(self.disk).key, size=size)


@dataclass(frozen=True, slots=True)
class TrackingIsReset:
    disk: int

    def happen(self, world: World) -> None:
        world.lab.control.reset_tracking(world.moref, world.disk(self.disk).key)


@dataclass(frozen=True, slots=True)
class TrackingIsCorrupted:
    disk: int

    def happen(self, world: World) -> None:
        world.lab.control.corrupt_tracking(world.moref, world.disk(self.disk).key)


@dataclass(frozen=True, slots=True)
class UserTakesSnapshot:
    def happen(self, world: World) -> None:
        if len(world.snapshots) < 3:
            world.snapshots.append(world.lab.control.create_snapshot(world.moref, "of the user"))


@dataclass(frozen=True, slots=True)
class UserRemovesSnapshot:
    which: int

    def happen(self, world: World) -> None:
        if world.snapshots:
            moref = world.snapshots.pop(self.which % len(world.snapshots))
            world.lab.control.remove_snapshot(world.moref, moref)


@dataclass(frozen=True, slots=True)
class UserReverts:
    which: int

    def happen(self, world: World) -> None:
        if world.snapshots:
            world.lab.control.revert(world.moref, world.snapshots[self.which % len(world.snapshots)])


@dataclass(frozen=True, slots=True)
class PowerChanges:
    def happen(self, world: World) -> None:
        is_on = world.machine().power in {"on", "poweredOn"}
        world.lab.control.set_power(world.moref, "off" if is_on else "on")


@dataclass(frozen=True, slots=True)
class MachineIsRenamed:
    number: int

    def happen(self, world: World) -> None:
        with vsphere_client(world.lab) as service:
            machine = vim.VirtualMachine(world.moref, service._stub)
            machine.Rename_Task(f"renamed-{self.number}")


@dataclass(frozen=True, slots=True)
class BackUp:
    full: bool = False

    def happen(self, world: World) -> None:
        moment = Moment.of(world.machine())
        run = world.installation.back_up(world.moref, full=self.full)
        assert run.state is RunState.SUCCEEDED, run.failure
        world.moments[result_of(run).point] = moment


@dataclass(frozen=True, slots=True)
class RestoreToFile:
    point: int
    disk: int
    target_format: TargetFormat

    def happen(self, world: World) -> None:
        if not world.moments:
            return
        point, moment = list(world.moments.items())[self.point % len(world.moments)]
        with world.installation.open() as appliance:
            images = appliance.points.find(point).point.images
        image = images[self.disk % len(images)].disk
        world.restored += 1
        target = world.folder / f"restored-{world.restored}.{self.target_format}"
        run = world.installation.restore_file(point, str(image.device_key), target, self.target_format)
        assert run.state is RunState.SUCCEEDED, run.failure
        raw = self.target_format is TargetFormat.RAW
        content = target.read_bytes() if raw else converted_to_raw(target, image.capacity)
        assert_same(
            {image.backing_uuid: content}, {image.backing_uuid: moment.by_backing[image.backing_uuid]}
        )
        target.unlink()


@dataclass(frozen=True, slots=True)
class RestoreToMachine:
    point: int

    def happen(self, world: World) -> None:
        if not world.moments:
            return
        point, moment = list(world.moments.items())[self.point % len(world.moments)]
        world.restored += 1
        name = f"restored-{world.restored}"
        run = world.installation.restore_machine(point, name)
        assert run.state is RunState.SUCCEEDED, run.failure
        assert_same(Moment.of(world.lab.control.machine(name)).by_key, moment.by_key)


def range_of(capacity: int, place: int, length: int) -> tuple[int, int]:
    """Offset and length, whole sectors within the disk, from thousandths of it."""
    sectors = capacity // SECTOR
    start = min(sectors - 1, sectors * place // 1000)
    count = max(1, min(sectors - start, sectors * length // 1000))
    return start * SECTOR, count * SECTOR


def assert_same(found: Mapping[Name, bytes], expected: Mapping[Name, bytes]) -> None:
    """Compare disks without printing megabytes where they differ."""
    assert sorted(found) == sorted(expected)
    for name, content in found.items():
        if content != expected[name]:
            raise AssertionError(f"disk {name}: {difference(content, expected[name])}")


def difference(found: bytes, expected: bytes) -> str:
    """Where two disks differ, in words."""
    if len(found) != len(expected):
        return f"{len(found)} bytes instead of {len(expected)}"
    pairs = zip(range(0, len(found), SECTOR), strict=False)
    wrong = [at // SECTOR for (at,) in pairs if found[at : at + SECTOR] != expected[at : at + SECTOR]]
    return f"{len(wrong)} of {len(found) // SECTOR} sectors differ, the first is {wrong[0]}"


@contextmanager
def vsphere_client(lab: Lab) -> Iterator[vim.ServiceInstance]:
    """A log-in of somebody else than Keepline."""
    address = lab.address
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    service = SmartConnect(  # type: ignore[no-untyped-call]  # pyVmomi has no types here
        host=address.host, port=address.port, user=address.user, pwd=address.password, sslContext=context
    )
    try:
        yield service
    finally:
        Disconnect(service)  # type: ignore[no-untyped-call]  # the same

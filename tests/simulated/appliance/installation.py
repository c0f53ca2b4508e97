"""One appliance for tests: its state folder, its repository and its vCenter, over a laboratory of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.assembly import Appliance, open_appliance
from appliance.codec import decode_block
from appliance.model.disk_tasks import TargetFormat
from appliance.model.documents import from_json
from appliance.model.identifiers import RecoveryPointId, RunId
from appliance.model.recovery_points import DiskImage, RecoveryPoint
from appliance.model.requests import RestoreMachineRequest
from appliance.model.results import BackupResult
from appliance.model.runs import Run
from appliance.repository.image_reader import open_image
from appliance.repository.points import PointListing
from appliance.repository.repository import Repository
from appliance.repository.segment_reader import SegmentReader
from appliance.services import BackupOrder, NewVcenter
from appliance.settings import Settings
from appliance.state import RequestedRun, create_state_folder
from keepline_lab import Lab
from keepline_lab.control_values import MachineState

VCENTER = "vcenter"
MACHINE = "web-01"


@dataclass(frozen=True, slots=True)
class Installation:
    """A state folder and a repository; the settings are made for tests: few threads, short waits."""

    lab: Lab
    settings: Settings
    repository: Path

    @classmethod
    def make(cls, folder: Path, lab: Lab, **settings: object) -> Installation:
        """Initialise a new one in `folder` and introduce the laboratory's vCenter to it."""
        values: dict[str, object] = {
            "state_folder": folder / "state",
            "vddk_folder": lab.vddk_folder,
            "workers_per_disk": 2,
        }
        made = cls(lab, Settings.model_validate(values | settings), folder / "repository")
        made.repository.mkdir(parents=True)
        create_state_folder(made.settings.state_folder)
        with made.open() as appliance:
            appliance.repositories.initialise(made.repository, made.settings.state_folder)
            appliance.vcenters.add(new_vcenter(lab))
        return made

    @contextmanager
    def open(self) -> Iterator[Appliance]:
        """The appliance as every entry point builds it, state database open."""
        with open_appliance(self.settings) as appliance:
            yield appliance

    def carry_out(self, ask: Callable[[Appliance], RequestedRun]) -> Run:
        """Ask for a run, be the engine until it has ended, and return it."""
        with self.open() as appliance:
            run = ask(appliance).run
            with appliance.engine_lock.held():
                appliance.make_engine().run_until_ended([run.id])
            return appliance.runs.find(run.id)

    def back_up(self, machine: str = MACHINE, *, full: bool = False) -> Run:
        """Back one machine up, in this process."""
        order = BackupOrder(VCENTER, [machine], full=full)
        return self.carry_out(lambda appliance: appliance.backups.request(order)[0])

    def restore_file(
        self, point: RecoveryPointId, disk: str, target: Path, target_format: TargetFormat = TargetFormat.RAW
    ) -> Run:
        """Restore one disk to a file."""
        return self.carry_out(
            lambda appliance: appliance.restores.request_disk(point, disk, target, target_format)
        )

    def restore_machine(self, point: RecoveryPointId, name: str) -> Run:
        """Restore a whole machine to a new one."""
        request = RestoreMachineRequest(point, VCENTER, name)
        return self.carry_out(lambda appliance: appliance.restores.request_machine(request))

    def listing(self) -> PointListing:
        """All points, as `keepline point list` shows them."""
        with self.open() as appliance:
            return appliance.points.listing()

    def disks_of(self, point: RecoveryPointId) -> dict[str, bytes]:
        """Every disk of a point by its backing UUID, read straight from the repository."""
        with self.open() as appliance:
            repository = appliance.repositories.open()
            found = appliance.points.find(point).point
        return {image.disk.backing_uuid: read_image(repository, found, image) for image in found.images}

    def log_of(self, run: RunId) -> list[str]:
        """What a run's log says."""
        with self.open() as appliance:
            return [line.text for line in appliance.runs.log_of(run)]

    def other(self, folder: Path, **settings: object) -> Installation:
        """A second appliance with state and repository of its own, on the same vCenter."""
        return Installation.make(folder, self.lab, **settings)

    def with_settings(self, **changes: object) -> Installation:
        """The same appliance with other settings."""
        return replace(self, settings=self.settings.model_copy(update=changes))


def new_vcenter(lab: Lab) -> NewVcenter:
    """What an admin says about the laboratory's vCenter."""
    address = lab.address
    return NewVcenter(
        VCENTER, address.host, address.port, address.user, address.password, address.thumbprint_sha256
    )


def read_image(repository: Repository, point: RecoveryPoint, image: DiskImage) -> bytes:
    """All bytes of one disk of a point."""
    content = bytearray(image.disk.capacity)
    segments = SegmentReader(repository.store)
    for record in open_image(repository, point, image).iter_records():
        if record.location is None:
            continue
        start = record.index * image.block_size
        whole = memoryview(content)[start : start + image.block_size]
        stored = segments.read(record.location)
        decode_block(stored, record.location.flags, record.digest, whole, f"block {record.index}")
    return bytes(content)


def result_of(run: Run) -> BackupResult:
    """The result of a backup that ended well."""
    assert run.result is not None, run.failure
    return from_json(BackupResult, run.result.encode())


def contents_now(lab: Lab, machine: str = MACHINE) -> dict[str, bytes]:
    """The bytes that each disk of a machine has now, by its backing UUID."""
    return contents_of(lab.control.machine(machine))


def contents_of(machine: MachineState) -> dict[str, bytes]:
    """The same for a machine that was looked up."""
    return {disk.uuid: disk.flat.read_bytes() for disk in machine.disks}


def ours_left(lab: Lab) -> list[str]:
    """What of Keepline is left in vCenter: snapshots, access, open or attached disks, unfinished machines."""
    state = lab.control.state()
    snapshots = [shot.name for shot in state.snapshots if "keepline" in shot.description]
    holds = [f"{hold.identity} holds {hold.machine}" for hold in state.holds]
    handles = [f"{handle.file} is open" for handle in (*state.open_handles, *state.attached)]
    return snapshots + holds + handles


def users_of(folder: Path) -> list[int]:
    """Processes beside this one with a file below `folder` open: engines and movers that still live."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = os.readlink(link)  # noqa: PTH115 - the target need not exist
        except OSError:
            continue
        if target.startswith(f"{folder}/"):
            found.add(int(link.parts[2]))
    return sorted(found - {os.getpid()})


def converted_to_raw(image: Path, capacity: int) -> bytes:
    """The bytes of a disk image of any format, by QEMU's own tool."""
    raw = image.with_name(f"{image.name}.raw")
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(image), str(raw)], check=True)
    content = raw.read_bytes()
    raw.unlink()
    return content[:capacity]

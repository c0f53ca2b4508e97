"""A laboratory with one frozen disk, a repository folder, and the tasks that movers get for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.clock import SystemClock
from appliance.dispatch import LocalMoverPool, lock_file_of
from appliance.model.disk_tasks import (
    BackupDiskTask,
    CheckpointKey,
    RestoreFileTask,
    RestoreVddkTask,
    TargetFormat,
    TaskDocument,
    TaskMessage,
    TaskResult,
    VddkAccess,
    VerifyImageTask,
)
from appliance.model.recovery_points import BlockRange
from appliance.model.units import KIB
from appliance.repository.repository import initialise_repository
from appliance.repository.task_files import PlanRow
from appliance.storage import FileSystemStore
from keepline_lab import Disk, Lab, LibraryBehaviour, Machine
from keepline_lab.lab import DEFAULT_BEHAVIOUR
from keepline_lab.laboratories import StartLab
from tests.fakes.task_files import plan_of_draft, write_plan

MACHINE = "web-01"
BLOCK = 256 * KIB
RUN = "20261122T101500Z-5f0c2a1b"


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where tests of movers work."""

    lab: Lab
    folder: Path
    snapshot: str
    disk_path: str
    capacity: int
    pool: LocalMoverPool

    @property
    def store(self) -> FileSystemStore:
        return FileSystemStore(self.folder / "repository")

    def access(self, *, call_limit_seconds: float = 60.0, transport_modes: str = "nbdssl") -> VddkAccess:
        address = self.lab.address
        return VddkAccess(
            library_folder=str(self.lab.vddk_folder),
            temporary_folder=str(self.folder / "vddk-temporary"),
            server=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            thumbprint=address.thumbprint_sha1,
            machine=address.machine(MACHINE).reference,
            snapshot=self.snapshot,
            transport_modes=transport_modes,
            call_limit_seconds=call_limit_seconds,
        )

    def backup_task(self, access: VddkAccess | None = None, *, workers: int = 2) -> BackupDiskTask:
        folder = self.folder / "task"
        folder.mkdir(exist_ok=True)
        return BackupDiskTask(
            folder=str(folder),
            repository=str(self.folder / "repository"),
            draft_prefix=f"drafts/{RUN}/disk/",
            access=access or self.access(),
            disk_path=self.disk_path,
            disk_label="web-01 / Hard disk 1",
            key=CheckpointKey(RUN, self.snapshot, "uuid", self.capacity, None, BLOCK),
            use_allocated_blocks=False,
            workers=workers,
            compression_level=1,
            lock_file=str(lock_file_of(self.folder, RUN, 1, "disk-2000")),
        )

    def back_up(
        self, task: BackupDiskTask | None = None, on_message: Callable[[TaskMessage], None] | None = None
    ) -> TaskResult:
        document = TaskDocument(backup_disk=task or self.backup_task())
        return self.pool.run(document, on_message or ignore, threading.Event())

    def plan(self, draft: str, *, zeros: bool = False) -> Path:
        """A task folder whose plan brings every block of a first full backup; on request zero ones too."""
        folder = self.folder / "restore"
        folder.mkdir()
        rows, segments = plan_of_draft(self.store, draft)
        stored = {row.block for row in rows}
        blocks = range(-(-self.capacity // BLOCK))
        runs = [BlockRange(block, 1) for block in blocks if zeros and block not in stored]
        write_plan(folder / "plan", rows, segments, block_size=BLOCK, capacity=self.capacity, zeros=runs)
        return folder

    def rows(self, draft: str) -> list[PlanRow]:
        return plan_of_draft(self.store, draft)[0]

    def restore_task(self, plan: Path, target: Path, target_format: TargetFormat) -> RestoreFileTask:
        return RestoreFileTask(
            folder=str(plan),
            repository=str(self.folder / "repository"),
            target=str(target),
            target_format=target_format,
            capacity=self.capacity,
            block_size=BLOCK,
            disk_label="web-01 / Hard disk 1",
            workers=2,
            lock_file=str(lock_file_of(self.folder, RUN, 1, "restore")),
        )

    def restore(self, plan: Path, target: Path, target_format: TargetFormat = TargetFormat.RAW) -> TaskResult:
        task = self.restore_task(plan, target, target_format)
        return self.pool.run(TaskDocument(restore_file=task), ignore, threading.Event())

    def restore_to_disk_task(
        self, plan: Path, machine: str, disk_path: str, capacity: int
    ) -> RestoreVddkTask:
        access = replace(self.access(), machine=self.lab.address.machine(machine).reference, snapshot=None)
        return RestoreVddkTask(
            folder=str(plan),
            repository=str(self.folder / "repository"),
            access=access,
            disk_path=disk_path,
            disk_label=f"{machine} / Hard disk 1",
            capacity=capacity,
            block_size=BLOCK,
            target_is_zero=True,
            read_back_percent=50,
            workers=2,
            lock_file=str(lock_file_of(self.folder, RUN, 1, "restore-2000")),
        )

    def verify_task(self, plan: Path) -> VerifyImageTask:
        return VerifyImageTask(
            folder=str(plan),
            repository=str(self.folder / "repository"),
            capacity=self.capacity,
            block_size=BLOCK,
            disk_label="web-01 / Hard disk 1",
            workers=2,
            lock_file=str(lock_file_of(self.folder, RUN, 1, "verify")),
        )


def ignore(message: TaskMessage) -> None:
    """Nobody watches."""


def workplace_for(
    laboratory: StartLab,
    folder: Path,
    content: bytes,
    pool: LocalMoverPool,
    behaviour: LibraryBehaviour = DEFAULT_BEHAVIOUR,
    *others: Machine,
) -> Workplace:
    """Start a lab whose first machine has a disk with `content`, and freeze it in a snapshot."""
    image = folder / "image.raw"
    _write_sparsely(image, content)
    lab = laboratory(Machine(MACHINE, (Disk(image=image),)), *others, behaviour=behaviour)
    snapshot = lab.control.create_snapshot(MACHINE)
    state = next(state for state in lab.control.state().snapshots if state.moref == snapshot)
    (folder / "repository").mkdir()
    initialise_repository(FileSystemStore(folder / "repository"), SystemClock())
    return Workplace(lab, folder, snapshot, next(iter(state.files.values())), len(content), pool)


def _write_sparsely(image: Path, content: bytes) -> None:
    """Leave holes where the content is zero: what is a hole counts as not allocated."""
    with image.open("wb") as file:
        for start in range(0, len(content), BLOCK):
            piece = content[start : start + BLOCK]
            if any(piece):
                file.seek(start)
                file.write(piece)
        file.truncate(len(content))

"""What the engine asks a mover to do, and what the mover answers: JSON documents, nothing else.

A task document goes to the mover's standard input (secrets included: never argv or environment). Bulky
inputs are files beside it, in the task's own `folder`. The mover answers with JSON lines on standard
output: any number of `TaskProgress` and `TaskLog`, then exactly one `TaskResult` or `TaskFailure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.model.disk_progress import DiskProgress
from appliance.model.recovery_points import DiskStatistics
from appliance.model.units import MIB

RELEASE_ORDER = b"release"
"""The second line of an access holder's input: EndAccess, then end."""


@dataclass(frozen=True, slots=True)
class VddkAccess:
    """Everything needed to reach one disk through VDDK; `password` is a secret.

    A call of the library that takes longer than `call_limit_seconds` counts as hanging: the mover ends.
    """

    library_folder: str
    temporary_folder: str
    server: str
    port: int
    user: str
    password: str
    thumbprint: str
    machine: str
    snapshot: str | None
    transport_modes: str
    call_limit_seconds: float = 300.0

    def __repr__(self) -> str:
        return f"VddkAccess(server={self.server!r}, user={self.user!r}, machine={self.machine!r})"


@dataclass(frozen=True, slots=True)
class CheckpointKey:
    """What a checkpoint belongs to: rows are resumed only under exactly this (rule 1).

    `parent` is the point whose digests the rows were compared with: "unchanged" means nothing without it.
    `scope` is a `ReadScope`: a draft has rows for the blocks of one scope, no more and no fewer.
    """

    run: str
    snapshot: str
    backing_uuid: str
    capacity: int
    change_id: str | None
    block_size: int
    device_key: int = 0
    parent: str | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True)
class BackupDiskTask:
    """Read one disk of one snapshot and leave a disk draft.

    Files in `folder` (see docs/repository-format.md, "Files between engine and mover"): `extents` (what
    to look at; absent: ask QueryAllocatedBlocks), `parent` (the parent's digest of every block; absent:
    there is none) and `index` (where known digests are stored; absent: nothing is known). About
    `segment_target` stored bytes make a segment, which is also what a killed mover loses at most.
    """

    folder: str
    repository: str
    draft_prefix: str
    access: VddkAccess
    disk_path: str
    disk_label: str
    key: CheckpointKey
    use_allocated_blocks: bool
    workers: int
    compression_level: int
    lock_file: str
    lease_key: str = ""
    segment_target: int = 64 * MIB


class TargetFormat(StrEnum):
    """What a disk can be restored to as a file."""

    RAW = "raw"
    VMDK = "vmdk"
    QCOW2 = "qcow2"


@dataclass(frozen=True, slots=True)
class RestoreFileTask:
    """Write the blocks listed in `folder`/`plan` to a new file `target`; it exists only if complete."""

    folder: str
    repository: str
    target: str
    target_format: TargetFormat
    capacity: int
    block_size: int
    disk_label: str
    workers: int
    lock_file: str


@dataclass(frozen=True, slots=True)
class RestoreVddkTask:
    """Write the blocks listed in `folder`/`plan` to a disk of a powered-off machine through VDDK.

    `target_is_zero` says that the disk is freshly made and reads as zero, so that zero blocks are
    skipped. `read_back_percent` of the written blocks are read again and compared.
    """

    folder: str
    repository: str
    access: VddkAccess
    disk_path: str
    disk_label: str
    capacity: int
    block_size: int
    target_is_zero: bool
    read_back_percent: int
    workers: int
    lock_file: str


@dataclass(frozen=True, slots=True)
class VerifyImageTask:
    """Read every block listed in `folder`/`plan` and compare its digest."""

    folder: str
    repository: str
    capacity: int
    block_size: int
    disk_label: str
    workers: int
    lock_file: str


@dataclass(frozen=True, slots=True)
class HoldAccessTask:
    """PrepareForAccess, report `TaskReady`, wait for the line `release` (or the end) of stdin, EndAccess."""

    access: VddkAccess
    identity: str
    lock_file: str


@dataclass(frozen=True, slots=True)
class CleanupTask:
    """After a crash: VixDiskLib_Cleanup with the dead mover's temporary folder; EndAccess if `identity`."""

    access: VddkAccess
    identity: str | None
    lock_file: str


Task = BackupDiskTask | RestoreFileTask | RestoreVddkTask | VerifyImageTask | HoldAccessTask | CleanupTask


@dataclass(frozen=True, slots=True)
class TaskDocument:
    """What goes to standard input: exactly one of the fields is set.

    Raises:
        ValueError: none or several are set.
    """

    backup_disk: BackupDiskTask | None = None
    restore_file: RestoreFileTask | None = None
    restore_vddk: RestoreVddkTask | None = None
    verify_image: VerifyImageTask | None = None
    hold_access: HoldAccessTask | None = None
    cleanup: CleanupTask | None = None

    def __post_init__(self) -> None:
        if len(self._tasks) != 1:
            raise ValueError(f"a task document holds one task, this one holds {len(self._tasks)}")

    @property
    def task(self) -> Task:
        """The one task."""
        return self._tasks[0]

    @property
    def access(self) -> VddkAccess | None:
        """How the task reaches vSphere, or None where it does not."""
        return getattr(self.task, "access", None)

    @property
    def label(self) -> str:
        """What people call the task: the disk's label, or what is done with the machine."""
        task = self.task
        if isinstance(task, HoldAccessTask):
            return f"access to {task.access.machine}"
        if isinstance(task, CleanupTask):
            return f"clean-up at {task.access.server}"
        return task.disk_label

    @property
    def _tasks(self) -> tuple[Task, ...]:
        fields = (
            self.backup_disk,
            self.restore_file,
            self.restore_vddk,
            self.verify_image,
            self.hold_access,
            self.cleanup,
        )
        return tuple(task for task in fields if task is not None)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The task is done and what it left is durable.

    `draft` is the object key of the disk draft of a backup; `damaged_blocks` lists what a verification
    found; `resumed_blocks` is what an earlier attempt's checkpoint spared.
    """

    statistics: DiskStatistics
    transport_mode: str = ""
    draft: str = ""
    resumed_blocks: int = 0
    written: int = 0
    read_back: int = 0
    damaged_blocks: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    peak_anonymous_memory: int = 0


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """The task ended with an error; the fields are those of the error tree."""

    code: str
    message: str
    remedy: str
    transient: bool
    exit_status: int


@dataclass(frozen=True, slots=True)
class TaskReady:
    """An access holder holds; `warning` when PrepareForAccess was refused and the run goes on without."""

    warning: str | None = None


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """One line of a mover's standard output: exactly one of the fields is set."""

    progress: DiskProgress | None = None
    log: str | None = None
    ready: TaskReady | None = None
    result: TaskResult | None = None
    failure: TaskFailure | None = None

"""The tasks that bring blocks out of the repository: to a file, to a disk, or only to a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.data_path.blocks_from_segments import LONGEST_STORED_READ, WIDEST_GAP
from appliance.data_path.new_file import NewFile, new_file
from appliance.data_path.plans import iter_disk_order, iter_stored_order
from appliance.data_path.qcow2_target import Qcow2Target
from appliance.data_path.raw_target import RawTarget
from appliance.data_path.restore import RestoreChain
from appliance.data_path.tally import TaskTally
from appliance.data_path.targets import BlockTarget
from appliance.data_path.vddk_target import DiskTarget, check_written_blocks, iter_sample, write_zeros
from appliance.data_path.verify import find_damaged_blocks
from appliance.data_path.write_plan import SegmentRead, plan_segment_reads
from appliance.model.disk_tasks import (
    RestoreFileTask,
    RestoreVddkTask,
    TargetFormat,
    TaskResult,
    VerifyImageTask,
)
from appliance.model.extents import Extent
from appliance.model.task_files import TaskFileKind
from appliance.model.units import MIB
from appliance.mover.session import Session
from appliance.repository.layout import IDENTITY_KEY
from appliance.repository.segment_reader import SegmentReader
from appliance.repository.task_files import BlockPlan
from appliance.storage import FileSystemStore
from appliance.transport import DiskWriter

_PlanTask = RestoreFileTask | RestoreVddkTask | VerifyImageTask
_MOST_DAMAGE_LOGGED = 20
_THREADS_PER_WORKER = 2
"""No host limits a file: while one thread waits for the local disk, another one decodes."""
_LONGEST_ORDERED_READ = MIB
"""A worker holds what it brings until its turn comes."""


@dataclass(frozen=True, slots=True)
class _Work:
    """A task's plan, opened, with the chain that carries it out."""

    plan: BlockPlan
    chain: RestoreChain

    def reads(self) -> Iterator[SegmentRead]:
        return plan_segment_reads(iter_stored_order(self.plan), LONGEST_STORED_READ, WIDEST_GAP)

    def ordered_reads(self) -> Iterator[SegmentRead]:
        return plan_segment_reads(iter_disk_order(self.plan), _LONGEST_ORDERED_READ)

    def result(
        self, session: Session, *, transport_mode: str = "", damaged_blocks: tuple[int, ...] = ()
    ) -> TaskResult:
        total = self.chain.tally.total()
        return TaskResult(
            statistics=self.chain.tally.statistics(),
            transport_mode=transport_mode,
            written=total.written,
            read_back=total.read_back,
            damaged_blocks=damaged_blocks,
            peak_anonymous_memory=session.memory.sample(),
        )


def restore_to_file(task: RestoreFileTask, session: Session) -> TaskResult:
    """Make a file that holds the disk.

    Raises:
        OutputExistsError: there is such a file; it is untouched.
        ApplianceError: it could not be completed; nothing is left of it.
    """
    with new_file(Path(task.target)) as file, _work(task, session) as work:
        if task.target_format is TargetFormat.VMDK:
            _write_stream(task, work, file)
        else:
            target = _block_target(task, file)
            work.chain.write_in_any_order(work.reads(), target, task.workers * _THREADS_PER_WORKER)
            target.finish()
        return work.result(session)


def restore_to_disk(task: RestoreVddkTask, session: Session) -> TaskResult:
    """Write the disk of a powered-off machine, make it durable and read a sample of it again.

    Raises:
        ReadBackError: the disk does not hold what was written.
        ApplianceError: it could not be written completely.
    """
    with _work(task, session) as work, _open_writer(task, session) as writer:
        target = DiskTarget(writer)
        tally = work.chain.tally.new_worker()
        if not task.target_is_zero:
            write_zeros(writer, _zero_extents(task, work.plan), tally)
        work.chain.write_in_any_order(work.reads(), target, task.workers)
        target.finish()
        sample = iter_sample(iter_stored_order(work.plan), task.read_back_percent)
        check_written_blocks(writer, sample, task.block_size, task.disk_label, tally)
        return work.result(session, transport_mode=writer.transport_mode)


def verify_image(task: VerifyImageTask, session: Session) -> TaskResult:
    """Read and decode every stored block; damage is the result, not an error."""
    with _work(task, session) as work:
        damaged = find_damaged_blocks(work.chain, work.reads(), task.workers)
        for index in sorted(damaged)[:_MOST_DAMAGE_LOGGED]:
            session.log(damaged[index])
        return work.result(session, damaged_blocks=tuple(sorted(damaged)))


@contextmanager
def _work(task: _PlanTask, session: Session) -> Iterator[_Work]:
    tally = TaskTally(task.disk_label)
    segments = SegmentReader(FileSystemStore(task.repository, IDENTITY_KEY))
    chain = RestoreChain(segments, tally, task.disk_label, task.block_size, task.capacity)
    with BlockPlan(Path(task.folder) / TaskFileKind.PLAN) as plan, session.reporting(tally):
        # The disk's last block may be short, so this can be too much by less than one block.
        tally.planned = min(len(plan) * task.block_size, task.capacity)
        yield _Work(plan, chain)


def _block_target(task: RestoreFileTask, file: NewFile) -> BlockTarget:
    if task.target_format is TargetFormat.QCOW2:
        return Qcow2Target(file, task.capacity)
    return RawTarget(file, task.capacity)


def _write_stream(task: RestoreFileTask, work: _Work, file: NewFile) -> None:
    # Loaded here only: it needs zlib, which must not be loaded where VDDK brings its own.
    from appliance.data_path.restore_stream import write_in_order  # noqa: PLC0415
    from appliance.data_path.stream_vmdk_target import StreamVmdkTarget  # noqa: PLC0415

    target = StreamVmdkTarget(file, task.capacity)
    write_in_order(work.chain, work.ordered_reads(), target, task.workers)
    target.finish()


@contextmanager
def _open_writer(task: RestoreVddkTask, session: Session) -> Iterator[DiskWriter]:
    # Loaded here only: a restore to a file runs where no VDDK is installed.
    from appliance.transport.vddk import CallWatchdog, VddkTransport, running_vddk  # noqa: PLC0415

    access = task.access
    with (
        running_vddk(access) as library,
        CallWatchdog(session.clock, access.call_limit_seconds, session.fail_and_end) as watchdog,
    ):
        transport = VddkTransport(library, access, watchdog, session.clock)
        with transport.open_writer(task.disk_path, task.capacity) as writer:
            yield writer


def _zero_extents(task: RestoreVddkTask, plan: BlockPlan) -> Iterator[Extent]:
    for blocks in plan.zero_ranges():
        offset = blocks.first * task.block_size
        yield Extent(offset, min(blocks.count * task.block_size, task.capacity - offset))

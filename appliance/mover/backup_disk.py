"""The task `backup_disk`: one disk of one snapshot to a disk draft."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.data_path.backup import BackupChain
from appliance.data_path.known_blocks import OwnBlocks
from appliance.data_path.read_plan import plan_reads
from appliance.data_path.tally import TaskTally
from appliance.model.disk_tasks import BackupDiskTask, TaskResult
from appliance.model.extents import Extent, align_extents, total_length
from appliance.model.recovery_points import BlockRange
from appliance.model.task_files import TaskFileKind
from appliance.mover.session import Session
from appliance.repository.draft_writer import DraftWriter
from appliance.repository.drafts import Checkpoint, DiskDraft, find_draft, read_checkpoint
from appliance.repository.layout import IDENTITY_KEY, draft_key
from appliance.repository.segment_writer import SegmentWriter
from appliance.repository.task_files import DigestIndex, ParentDigests, iter_extents
from appliance.storage import FileSystemStore, ObjectStore
from appliance.transport import DiskReader
from appliance.transport.vddk import CallWatchdog, VddkTransport, running_vddk

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Repository:
    """Where the disk goes, and what an earlier attempt has brought there."""

    store: ObjectStore
    checkpoint: Checkpoint


def back_up_disk(task: BackupDiskTask, session: Session) -> TaskResult:
    """Bring the disk into the repository; what an earlier attempt under the same key brought is kept.

    Raises:
        ApplianceError: the disk could not be read or the repository not be written.
    """
    store, tally = FileSystemStore(task.repository, IDENTITY_KEY), TaskTally(task.disk_label)
    with session.reporting(tally):
        if (draft := _complete_draft(store, task)) is not None:
            return _result_of(task, draft)
        repository = _Repository(store, read_checkpoint(store, task.draft_prefix, task.key))
        with _open_reader(task, session) as reader:
            return _bring(task, session, repository, reader, tally)


def _complete_draft(store: ObjectStore, task: BackupDiskTask) -> DiskDraft | None:
    """The draft, where an earlier attempt completed it and died before it could say so.

    One of another snapshot of the same run is in nobody's way but ours: its engine asked for this one.
    """
    draft = find_draft(store, task.draft_prefix, task.key)
    if draft is None:
        store.delete(draft_key(task.draft_prefix))
    return draft


def _result_of(task: BackupDiskTask, draft: DiskDraft) -> TaskResult:
    return TaskResult(
        statistics=draft.statistics,
        transport_mode=draft.transport_mode,
        draft=draft_key(task.draft_prefix),
        resumed_blocks=draft.row_count,
        warnings=draft.warnings,
    )


@contextmanager
def _open_reader(task: BackupDiskTask, session: Session) -> Iterator[DiskReader]:
    access = task.access
    with (
        running_vddk(access) as library,
        CallWatchdog(session.clock, access.call_limit_seconds, session.fail_and_end) as watchdog,
    ):
        transport = VddkTransport(library, access, watchdog, session.clock)
        with transport.open_reader(task.disk_path, task.key.capacity, task.workers) as reader:
            yield reader


def _bring(
    task: BackupDiskTask, session: Session, repository: _Repository, reader: DiskReader, tally: TaskTally
) -> TaskResult:
    draft = DraftWriter(repository.store, task.draft_prefix, task.key, repository.checkpoint)
    with ExitStack() as open_files:
        segments = open_files.enter_context(
            SegmentWriter(repository.store, draft.segment_durable, task.segment_target)
        )
        chain = BackupChain(
            reader=reader,
            segments=segments,
            draft=draft,
            parent=_parent(task, open_files),
            known=_index(task, open_files),
            own=OwnBlocks(),
            tally=tally,
            block_size=task.key.block_size,
            compression_level=task.compression_level,
        )
        chain.run(_plan(task, chain, repository.checkpoint), task.workers)
        warnings = _parallelism_warning(task, reader)
        segments.finish()
        key = draft.finish(tally.statistics(), reader.transport_mode, warnings)
    return TaskResult(
        statistics=tally.statistics(),
        transport_mode=reader.transport_mode,
        draft=key,
        resumed_blocks=repository.checkpoint.row_count,
        warnings=warnings,
        peak_anonymous_memory=session.memory.sample(),
    )


def _plan(task: BackupDiskTask, chain: BackupChain, checkpoint: Checkpoint) -> Iterator[Extent]:
    """The reads that are left to do; what the checkpoint covers is counted as done."""
    key = task.key
    scope = _scope(task, chain.reader)
    covered = [_extent_of(blocks, key.block_size, key.capacity) for blocks in checkpoint.covered]
    chain.tally.planned = total_length(align_extents(scope, key.block_size, key.capacity))
    chain.tally.new_worker().done = total_length(covered)
    if covered:
        logger.info("%s: %d bytes were read by an earlier attempt", task.disk_label, total_length(covered))
    return plan_reads(scope, covered, key.block_size, key.capacity, chain.longest_read)


def _scope(task: BackupDiskTask, reader: DiskReader) -> Iterable[Extent]:
    """What is to be looked at; can be gone through several times."""
    extents_file = Path(task.folder) / TaskFileKind.EXTENTS
    if extents_file.exists():
        return _ListedExtents(extents_file)
    if task.use_allocated_blocks:
        return tuple(reader.iter_allocated())
    return (Extent(0, task.key.capacity),)


@dataclass(frozen=True, slots=True)
class _ListedExtents:
    """The extents of a file, read anew each time: a busy disk has a million of them."""

    path: Path

    def __iter__(self) -> Iterator[Extent]:
        return iter_extents(self.path)


def _extent_of(blocks: BlockRange, block_size: int, capacity: int) -> Extent:
    offset = blocks.first * block_size
    return Extent(offset, min(blocks.count * block_size, capacity - offset))


def _parent(task: BackupDiskTask, open_files: ExitStack) -> ParentDigests | None:
    path = Path(task.folder) / TaskFileKind.PARENT
    return open_files.enter_context(ParentDigests(path)) if path.exists() else None


def _index(task: BackupDiskTask, open_files: ExitStack) -> DigestIndex | None:
    path = Path(task.folder) / TaskFileKind.INDEX
    return open_files.enter_context(DigestIndex(path)) if path.exists() else None


def _parallelism_warning(task: BackupDiskTask, reader: DiskReader) -> tuple[str, ...]:
    if reader.parallelism >= task.workers:
        return ()
    return (
        (
            f"{task.disk_label} was read through {reader.parallelism} instead of {task.workers} connections: "
            "the host had no room for more"
        ),
    )

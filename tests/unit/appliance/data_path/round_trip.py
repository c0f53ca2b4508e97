"""A disk in memory through the backup chain and back: what several tests of the data path start from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.data_path.backup import BackupChain
from appliance.data_path.known_blocks import OwnBlocks
from appliance.data_path.read_plan import plan_reads
from appliance.data_path.restore import RestoreChain
from appliance.data_path.tally import TaskTally
from appliance.data_path.write_plan import SegmentRead, plan_segment_reads
from appliance.model.disk_tasks import CheckpointKey
from appliance.model.extents import Extent
from appliance.model.recovery_points import DiskStatistics
from appliance.model.units import KIB
from appliance.repository.draft_writer import DraftWriter
from appliance.repository.segment_reader import SegmentReader
from appliance.repository.segment_writer import SegmentWriter
from appliance.repository.task_files import DigestIndex, ParentDigests, PlanRow
from appliance.storage import FileSystemStore
from appliance.transport import DiskReader
from tests.fakes.task_files import plan_of_draft

BLOCK = 64 * KIB


def disk_content(blocks: str, tail: int = 0) -> bytes:
    """One block for each letter: `.` is zero, other letters are bytes of their own; `tail` more bytes."""
    pieces = [bytes(BLOCK) if letter == "." else random.Random(letter).randbytes(BLOCK) for letter in blocks]
    return b"".join(pieces) + b"t" * tail


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A draft and how it came to be."""

    store: FileSystemStore
    draft: str
    statistics: DiskStatistics

    @property
    def rows(self) -> list[PlanRow]:
        return plan_of_draft(self.store, self.draft)[0]

    def reads(self, longest: int = 256 * KIB, gap: int = 0) -> Iterator[SegmentRead]:
        return plan_segment_reads(self.rows, longest, gap)

    def chain(self, capacity: int) -> RestoreChain:
        return RestoreChain(SegmentReader(self.store), TaskTally("disk"), "disk", BLOCK, capacity)


@contextmanager
def backup_chain(
    store: FileSystemStore,
    draft: DraftWriter,
    reader: DiskReader,
    parent: ParentDigests | None = None,
    known: DigestIndex | None = None,
) -> Iterator[BackupChain]:
    with SegmentWriter(store, draft.segment_durable) as segments:
        yield BackupChain(reader, segments, draft, parent, known, OwnBlocks(), TaskTally("disk"), BLOCK, 1)


def back_up(
    folder: Path,
    reader: DiskReader,
    *,
    run: str = "run",
    parent: ParentDigests | None = None,
    known: DigestIndex | None = None,
    workers: int = 3,
) -> BackedUp:
    folder.mkdir(exist_ok=True)
    store = FileSystemStore(folder)
    key = CheckpointKey(run, "snapshot-1", "uuid", reader.capacity, None, BLOCK)
    draft = DraftWriter(store, f"drafts/{run}/disk/", key)
    with backup_chain(store, draft, reader, parent, known) as chain:
        reads = plan_reads([Extent(0, reader.capacity)], (), BLOCK, reader.capacity, chain.longest_read)
        chain.run(reads, workers)
        chain.segments.finish()
        statistics = chain.tally.statistics()
    return BackedUp(store, draft.finish(statistics, reader.transport_mode), statistics)

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.data_path.backup import BackupChain
from appliance.data_path.known_blocks import OwnBlocks
from appliance.data_path.new_file import new_file
from appliance.data_path.raw_target import RawTarget
from appliance.data_path.read_plan import plan_reads
from appliance.data_path.tally import TaskTally
from appliance.model.disk_tasks import CheckpointKey
from appliance.model.extents import Extent
from appliance.repository.draft_writer import DraftWriter
from appliance.repository.drafts import iter_parts, read_checkpoint, read_draft
from appliance.repository.segment_writer import SegmentWriter
from appliance.storage import FileSystemStore
from appliance.transport import DiskReader, HostUnavailableError
from tests.fakes.disks import FaultyDiskReader, MemoryDisk
from tests.unit.appliance.data_path.round_trip import BLOCK, BackedUp, disk_content

SMALL_SEGMENT = 3 * BLOCK
PREFIX = "drafts/run/disk/"


def attempt(store: FileSystemStore, reader: DiskReader) -> BackedUp | None:
    """One attempt of a mover: resume what is there; None where the disk failed."""
    key = CheckpointKey("run", "snapshot-1", "uuid", reader.capacity, None, BLOCK)
    checkpoint = read_checkpoint(store, PREFIX, key)
    draft = DraftWriter(store, PREFIX, key, checkpoint)
    done = [Extent(blocks.first * BLOCK, blocks.count * BLOCK) for blocks in checkpoint.covered]
    with SegmentWriter(store, draft.segment_durable, SMALL_SEGMENT) as segments:
        chain = BackupChain(reader, segments, draft, None, None, OwnBlocks(), TaskTally("disk"), BLOCK, 1)
        reads = plan_reads([Extent(0, reader.capacity)], done, BLOCK, reader.capacity, BLOCK)
        try:
            chain.run(reads, workers=2)
        except HostUnavailableError:
            return None
        segments.finish()
        statistics = chain.tally.statistics()
    return BackedUp(store, draft.finish(statistics, reader.transport_mode), statistics)


@settings(max_examples=25, deadline=None)
@given(
    layout=st.text("..abcdefgh", min_size=1, max_size=24),
    failures=st.lists(st.integers(0, 24), max_size=3),
)
def test_a_disk_that_fails_anywhere_any_number_of_times_comes_back_whole(
    layout: str, failures: list[int]
) -> None:
    content = disk_content(layout, 512)
    disk = MemoryDisk(content)
    with tempfile.TemporaryDirectory() as folder:
        store = FileSystemStore(Path(folder) / "repository")
        store.root.mkdir()
        for reads_before in failures:
            finished = attempt(store, FaultyDiskReader(disk, "R" * reads_before + "E"))
            if finished:
                break
        else:
            finished = attempt(store, disk)

        assert finished is not None
        assert restored(finished, len(content), Path(folder) / "disk.raw") == content
        blocks = [
            block
            for part in iter_parts(store, read_draft(store, finished.draft))
            for block in part.columns.block_index.cast("Q")
        ]
        assert sorted(blocks) == list(range(len(layout) + 1)), "every block was looked at, none twice"


def restored(backed_up: BackedUp, capacity: int, target: Path) -> bytes:
    with new_file(target) as file:
        raw = RawTarget(file, capacity)
        backed_up.chain(capacity).write_in_any_order(backed_up.reads(), raw, workers=2)
        raw.finish()
    return target.read_bytes()

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from appliance.data_path.known_blocks import OwnBlocks
from appliance.data_path.tally import TaskTally
from appliance.data_path.vddk_target import check_written_blocks, iter_sample, write_zeros
from appliance.data_path.verify import find_damaged_blocks
from appliance.model.blocks import BlockFlags, BlockLocation
from appliance.model.extents import Extent
from appliance.model.identifiers import SegmentId
from appliance.repository.task_files import PlanRow
from tests.fakes.disks import MemoryDisk
from tests.unit.appliance.data_path.round_trip import BLOCK, BackedUp, back_up, disk_content

LOCATION = BlockLocation(SegmentId("a" * 64), 64, 10, BlockFlags.NONE)


def only_segment(backed_up: BackedUp) -> Path:
    (path,) = backed_up.store.root.glob("segments/*/*")
    return path


def test_an_intact_image_has_no_damage_and_every_byte_is_counted(tmp_path: Path) -> None:
    content = disk_content("ab.cd", 512)
    backed_up = back_up(tmp_path / "repository", MemoryDisk(content))
    chain = backed_up.chain(len(content))

    assert find_damaged_blocks(chain, backed_up.reads(), workers=2) == {}
    assert chain.tally.total().done == 4 * BLOCK + 512


def test_damage_is_told_for_every_block_that_shares_the_damaged_bytes(tmp_path: Path) -> None:
    content = disk_content("abcab")
    backed_up = back_up(tmp_path / "repository", MemoryDisk(content), workers=1)
    path = only_segment(backed_up)
    damaged = bytearray(path.read_bytes())
    row = next(row for row in backed_up.rows if row.block == 1)
    damaged[row.location.offset + 5] ^= 0xFF
    path.write_bytes(damaged)

    found = find_damaged_blocks(backed_up.chain(len(content)), backed_up.reads(), workers=2)

    assert sorted(found) == [1, 4]
    assert "block 1 of disk in segment" in found[1]


def test_a_segment_that_was_cut_short_loses_only_the_blocks_behind_the_cut(tmp_path: Path) -> None:
    content = disk_content("abcdef")
    backed_up = back_up(tmp_path / "repository", MemoryDisk(content), workers=1)
    stored = sorted(backed_up.rows, key=lambda row: row.location.offset)
    cut = stored[3].location.offset + 1
    path = only_segment(backed_up)
    path.write_bytes(path.read_bytes()[:cut])

    found = find_damaged_blocks(backed_up.chain(len(content)), backed_up.reads(longest=1 << 20), workers=2)

    assert sorted(found) == sorted(row.block for row in stored[3:])


@given(st.integers(0, 100), st.integers(0, 10**6))
def test_a_sample_has_about_the_wanted_size_wherever_it_starts(percent: int, first: int) -> None:
    rows = [PlanRow(first + number, bytes(32), LOCATION) for number in range(1000)]

    sample = list(iter_sample(rows, percent))

    assert abs(len(sample) - 10 * percent) <= 30
    assert sample == list(iter_sample(rows, percent))


def test_zeros_are_written_exactly_where_they_are_wanted() -> None:
    disk = MemoryDisk(b"x" * (4 * BLOCK))
    tally = TaskTally("disk")

    write_zeros(disk, [Extent(0, 512), Extent(BLOCK, 2 * BLOCK)], tally.new_worker())

    expected = bytes(512) + b"x" * (BLOCK - 512) + bytes(2 * BLOCK) + b"x" * BLOCK
    assert bytes(disk.content) == expected
    assert tally.total().written == 2 * BLOCK + 512


def test_own_blocks_are_forgotten_from_the_oldest_on() -> None:
    own = OwnBlocks(most=2)
    for name in (b"1", b"2", b"3"):
        own.remember(name, LOCATION)

    assert [own.find(name) for name in (b"1", b"2", b"3")] == [None, LOCATION, LOCATION]


def test_what_was_written_is_found_when_it_is_read_back(tmp_path: Path) -> None:
    content = disk_content("abc", 512)
    backed_up = back_up(tmp_path / "repository", MemoryDisk(content))
    tally = TaskTally("disk")

    check_written_blocks(MemoryDisk(content), backed_up.rows, BLOCK, "disk", tally.new_worker())

    assert tally.total().read_back == len(content)

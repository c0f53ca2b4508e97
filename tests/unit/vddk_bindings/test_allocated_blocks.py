"""QueryAllocatedBlocks: planning, merging, and the library's flexible array."""

import ctypes
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vddk_bindings.stub_library import CAPACITY_SECTORS, Stub
from vddk_bindings import Disk, InvalidArgumentError, SectorRange
from vddk_bindings.allocated_blocks import merge_ranges, plan_queries
from vddk_bindings.structures import Block, BlockList

MAXIMUM_CHUNKS = 524288


@given(capacity=st.integers(0, 2**38), chunk=st.sampled_from([128, 2048, 8192, 1000]))
def test_queries_cover_all_whole_chunks_once_within_the_limit(capacity: int, chunk: int) -> None:
    queries = plan_queries(capacity, chunk)

    position = 0
    for query in queries:
        assert query.start_sector == position
        assert 0 < query.sector_count <= chunk * MAXIMUM_CHUNKS
        assert query.sector_count % chunk == 0
        position = query.end_sector
    assert 0 <= capacity - position < chunk


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5))))
def test_merging_keeps_every_sector_and_leaves_gaps_between_ranges(steps: list[tuple[int, int]]) -> None:
    ranges = []
    position = 0
    for gap, length in steps:
        ranges.append(SectorRange(position + gap, length))
        position += gap + length

    merged = list(merge_ranges(ranges))

    assert sectors_of(merged) == sectors_of(ranges)
    assert all(left.end_sector < right.start_sector for left, right in pairwise(merged))


def sectors_of(ranges: list[SectorRange]) -> list[int]:
    return [sector for one in ranges for sector in range(one.start_sector, one.end_sector)]


def test_one_query_returns_the_librarys_list_and_frees_it(disk: Disk, stub: Stub) -> None:
    before = stub.live_allocations()

    ranges = disk.query_allocated_blocks(128, 4 * 128, 128)

    assert ranges == [SectorRange(128, 128), SectorRange(256, 128), SectorRange(512, 128)]
    assert stub.live_allocations() == before


def test_query_without_allocated_blocks_is_empty(disk: Disk) -> None:
    assert disk.query_allocated_blocks(0, 128, 128) == []


def test_whole_disk_is_merged_and_its_tail_counts_as_allocated(disk: Disk) -> None:
    expected = [sector for sector in range(CAPACITY_SECTORS) if sector // 128 % 3 or sector >= 32 * 128]

    assert sectors_of(list(disk.iter_allocated(128))) == expected


def test_chunk_larger_than_the_disk_makes_it_all_allocated(disk: Disk) -> None:
    assert list(disk.iter_allocated(8192)) == [SectorRange(0, CAPACITY_SECTORS)]


@pytest.mark.parametrize(
    ("start", "count", "chunk"),
    [
        (0, 64, 64),
        (1, 128, 128),
        (0, 129, 128),
        (0, 0, 128),
        (-128, 128, 128),
        (0, 128 * (MAXIMUM_CHUNKS + 1), 128),
    ],
)
def test_query_the_library_would_refuse_does_not_reach_it(
    disk: Disk, stub: Stub, start: int, count: int, chunk: int
) -> None:
    asked = stub.functions.stub_open_close_calls()

    with pytest.raises(InvalidArgumentError):
        disk.query_allocated_blocks(start, count, chunk)

    assert stub.functions.stub_open_close_calls() == asked


def test_chunk_too_small_for_a_whole_disk_is_refused(disk: Disk) -> None:
    with pytest.raises(InvalidArgumentError, match="0 sectors"):
        list(disk.iter_allocated(0))


def test_flexible_array_starts_where_c_puts_it() -> None:
    assert BlockList.blocks.offset == 8
    assert ctypes.sizeof(Block) == 16

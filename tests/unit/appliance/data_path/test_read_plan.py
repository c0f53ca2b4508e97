from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.data_path.read_plan import blocks_as_extents, plan_reads, without
from appliance.model.extents import Extent, merge_extents

BLOCK = 64
CAPACITY = 64 * 40 + 32


@st.composite
def ascending_extents(draw: st.DrawFn) -> list[Extent]:
    offsets = st.integers(min_value=0, max_value=CAPACITY - 1)
    found = [
        Extent(offset, min(draw(st.integers(1, 300)), CAPACITY - offset))
        for offset in draw(st.lists(offsets, max_size=12))
    ]
    return list(merge_extents(found))


def blocks_of(extents: list[Extent]) -> set[int]:
    return {byte // BLOCK for extent in extents for byte in range(extent.offset, extent.end)}


def bytes_of(extents: list[Extent]) -> set[int]:
    return {byte for extent in extents for byte in range(extent.offset, extent.end)}


@given(ascending_extents(), st.sets(st.integers(0, 40)), st.sampled_from([1, 2, 4, 7]))
def test_reads_cover_exactly_the_touched_blocks_that_are_not_done(
    extents: list[Extent], done: set[int], blocks_per_read: int
) -> None:
    already_done = list(blocks_as_extents(sorted(done), BLOCK, CAPACITY))

    reads = list(plan_reads(extents, already_done, BLOCK, CAPACITY, blocks_per_read * BLOCK))

    assert blocks_of(reads) == blocks_of(extents) - done
    assert sum(read.length for read in reads) == len(bytes_of(reads)), "no byte is read twice"
    assert all(left.end <= right.offset for left, right in pairwise(reads))


@given(ascending_extents(), st.sampled_from([1, 2, 4, 7]))
def test_reads_are_whole_blocks_and_never_cross_a_read_boundary(
    extents: list[Extent], blocks_per_read: int
) -> None:
    longest = blocks_per_read * BLOCK

    for read in plan_reads(extents, (), BLOCK, CAPACITY, longest):
        assert read.offset % BLOCK == 0
        assert read.end % BLOCK == 0 or read.end == CAPACITY
        assert read.offset // longest == (read.end - 1) // longest


@given(ascending_extents())
def test_neighbouring_blocks_are_joined_up_to_the_longest_read(extents: list[Extent]) -> None:
    longest = 4 * BLOCK

    reads = list(plan_reads(extents, (), BLOCK, CAPACITY, longest))

    for left, right in pairwise(reads):
        assert left.end < right.offset or right.offset % longest == 0


@given(ascending_extents(), ascending_extents())
def test_without_removes_exactly_what_is_named(extents: list[Extent], removed: list[Extent]) -> None:
    rest = list(without(extents, removed))

    assert bytes_of(rest) == bytes_of(extents) - bytes_of(removed)
    assert all(left.end <= right.offset for left, right in pairwise(rest))


@given(st.lists(st.integers(0, 40)))
def test_blocks_become_the_bytes_they_cover(indexes: list[int]) -> None:
    extents = list(blocks_as_extents(sorted(indexes), BLOCK, CAPACITY))

    assert blocks_of(extents) == set(indexes)
    assert all(left.end < right.offset for left, right in pairwise(extents))
    assert all(extent.end <= CAPACITY for extent in extents)


def test_a_read_size_that_would_split_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit blocks"):
        list(plan_reads([Extent(0, 10)], (), BLOCK, CAPACITY, BLOCK + 1))


def test_planning_a_huge_disk_is_lazy() -> None:
    capacity = 62 * 2**40
    reads = plan_reads([Extent(0, capacity)], (), 2**20, capacity, 2**20)

    assert [next(reads), next(reads)] == [Extent(0, 2**20), Extent(2**20, 2**20)]

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.extents import Extent, align_extents, merge_extents, total_length

CAPACITY = 4096
BLOCK_SIZE = 64

any_extents = st.lists(st.builds(Extent, st.integers(0, CAPACITY - 1), st.integers(1, 300)), max_size=12)


def bytes_of(extents: list[Extent]) -> set[int]:
    return {byte for extent in extents for byte in range(extent.offset, extent.end)}


def is_ascending_with_gaps(extents: list[Extent]) -> bool:
    return all(left.end < right.offset for left, right in pairwise(extents))


@given(any_extents)
def test_merging_keeps_exactly_the_bytes_and_joins_neighbours(extents: list[Extent]) -> None:
    merged = list(merge_extents(extents))

    assert bytes_of(merged) == bytes_of(extents)
    assert is_ascending_with_gaps(merged)
    assert total_length(merged) == len(bytes_of(extents))


@given(any_extents, st.integers(1, CAPACITY + BLOCK_SIZE))
def test_alignment_covers_exactly_the_touched_blocks_within_capacity(
    extents: list[Extent], capacity: int
) -> None:
    aligned = list(align_extents(merge_extents(extents), BLOCK_SIZE, capacity))

    touched = {byte // BLOCK_SIZE for byte in bytes_of(extents)}
    expected = {
        byte
        for block in touched
        for byte in range(block * BLOCK_SIZE, min((block + 1) * BLOCK_SIZE, capacity))
    }
    assert bytes_of(aligned) == expected
    assert is_ascending_with_gaps(aligned)


@given(any_extents)
def test_the_length_of_disjoint_extents_is_the_number_of_their_bytes(extents: list[Extent]) -> None:
    assert total_length(merge_extents(extents)) == len(bytes_of(extents))


@pytest.mark.parametrize(("offset", "length"), [(-1, 5), (0, 0), (3, -2)])
def test_an_extent_is_a_real_range_of_bytes(offset: int, length: int) -> None:
    with pytest.raises(ValueError, match="not a range of bytes"):
        Extent(offset, length)

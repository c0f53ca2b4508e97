from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.extents import Extent
from appliance.model.units import GIB, KIB, TIB
from appliance.transport.allocation import chunk_sectors_for, extents_of_query


@given(st.integers(512, 62 * TIB))
def test_chunks_are_what_the_library_takes_and_few_enough(capacity: int) -> None:
    chunk = chunk_sectors_for(capacity)

    assert chunk >= 128
    assert chunk & (chunk - 1) == 0
    assert capacity / (chunk * 512) <= 262_144


@given(st.integers(512, 31 * TIB))
def test_chunks_never_shrink_with_the_disk(capacity: int) -> None:
    assert chunk_sectors_for(capacity) <= chunk_sectors_for(2 * capacity)


def test_small_disks_are_asked_for_in_blocks() -> None:
    assert chunk_sectors_for(64 * GIB) * 512 == 256 * KIB


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), max_size=10))
def test_an_answer_is_believed_only_if_it_ascends_inside_the_disk(ranges: list[tuple[int, int]]) -> None:
    capacity = 60 * 512
    ends = [0, *(start + count for start, count in ranges)]
    ascends = all(start >= end for end, (start, _) in zip(ends, ranges, strict=False))
    believable = ascends and ends[-1] <= 60

    if believable:
        expected = [Extent(start * 512, count * 512) for start, count in ranges]
        assert extents_of_query(ranges, capacity) == expected
    else:
        with pytest.raises(ValueError, match="does not follow"):
            extents_of_query(ranges, capacity)

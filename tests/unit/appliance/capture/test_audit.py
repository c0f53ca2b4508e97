from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from appliance.capture.audit import points_on_trust, untracked_differences
from appliance.model.change_tracking import ReadScope
from appliance.model.extents import Extent, merge_extents
from tests.fakes.recovery_points import disk, image, point

BLOCK = 64

extents = st.lists(st.builds(Extent, st.integers(0, 4000), st.integers(1, 200)), max_size=10)


@given(st.sets(st.integers(0, 70)), extents)
def test_untracked_differences_are_the_blocks_no_tracked_byte_lies_in(
    differing: set[int], tracked: list[Extent]
) -> None:
    ranges = untracked_differences(differing, merge_extents(tracked), BLOCK)

    touched = {byte // BLOCK for extent in tracked for byte in range(extent.offset, extent.end)}
    named = [block for found in ranges for block in range(found.first, found.first + found.count)]
    assert named == sorted(differing - touched)
    assert all(left.first + left.count < right.first for left, right in pairwise(ranges))


def test_only_points_since_the_last_complete_read_rest_on_trust() -> None:
    mine, other = disk(2000, "a"), disk(2001, "b")
    points = [
        point(1, image(mine)),
        point(2, image(mine, ReadScope.EVERYTHING), image(other)),
        point(3, image(mine), image(other, ReadScope.EVERYTHING)),
        point(4, image(other)),
        point(5, image(mine), image(other)),
    ]

    assert [found.id for found in points_on_trust(points, mine)] == ["point-005", "point-003"]
    assert [found.id for found in points_on_trust(points, other)] == ["point-005", "point-004"]


def test_after_a_complete_read_nothing_rests_on_trust() -> None:
    mine = disk()

    assert points_on_trust([point(1, image(mine)), point(2, image(mine, ReadScope.ALLOCATED))], mine) == []

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.capture.parents import parent_of
from tests.fakes.recovery_points import disk, image, point


def test_a_machine_without_points_has_no_parent() -> None:
    assert parent_of(disk(), []) is None


@given(st.permutations([1, 2, 3, 4]))
def test_the_newest_point_that_holds_the_backing_is_the_parent(order: list[int]) -> None:
    mine, other = disk(2000, "6000C29A-01"), disk(2001, "6000C29A-02")
    held = {1: (mine,), 2: (mine, other), 3: (other,), 4: (other,)}
    points = [point(number, *(image(of) for of in held[number])) for number in order]

    parent = parent_of(mine, points)

    assert parent is not None
    assert parent.point.id == "point-002"
    assert parent.image.disk == mine


def test_the_backing_counts_more_than_the_device_key_and_ignores_case() -> None:
    moved = disk(2005, "6000c29a-01")
    points = [point(1, image(disk(2000, "6000C29A-01"))), point(2, image(disk(2005, "6000C29A-99")))]

    parent = parent_of(moved, points)

    assert parent is not None
    assert parent.point.id == "point-001"


def test_a_replaced_backing_builds_on_the_image_at_its_device_key() -> None:
    parent = parent_of(disk(2000, "new"), [point(1, image(disk(2000, "old")))])

    assert parent is not None
    assert parent.image.disk.backing_uuid == "old"


def test_a_disk_that_nobody_has_seen_has_no_parent() -> None:
    assert parent_of(disk(2007, "new"), [point(1, image(disk(2000, "old")))]) is None

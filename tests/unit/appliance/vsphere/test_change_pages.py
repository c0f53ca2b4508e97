from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ChangeTrackingError
from appliance.model.extents import Extent, merge_extents
from appliance.vsphere.change_pages import ReportedArea, ReportedPage, collect_areas
from appliance.vsphere.errors import EmptyPageError, ImpossibleAreaError, MisplacedPageError

SECTOR = 512
SECTORS = 64
CAPACITY = SECTORS * SECTOR

SECTOR_SETS = st.sets(st.integers(0, SECTORS - 1))
PAGE_ENDS = st.sets(st.integers(1, SECTORS - 1)).map(lambda ends: [*sorted(ends), SECTORS])


def pages_of(changed: set[int], ends: Sequence[int]) -> dict[int, ReportedPage]:
    """What an honest host answers about `changed` sectors when its pages end at `ends`, by asked offset."""
    pages = {}
    for start, end in pairwise([0, *ends]):
        inside = merge_extents(Extent(n * SECTOR, SECTOR) for n in changed if start <= n < end)
        areas = [ReportedArea(extent.offset, extent.length) for extent in inside]
        pages[start * SECTOR] = ReportedPage(start * SECTOR, (end - start) * SECTOR, areas)
    return pages


@given(SECTOR_SETS, PAGE_ENDS)
def test_whatever_the_pages_are_every_change_is_found_and_nothing_else(
    changed: set[int], ends: list[int]
) -> None:
    found = collect_areas(pages_of(changed, ends).__getitem__, CAPACITY, "52 a1/1", "disk")

    sectors = {n for e in found.extents for n in range(e.offset // SECTOR, e.end // SECTOR)}
    assert sectors == changed
    assert all(left.end < right.offset for left, right in pairwise(found.extents))
    assert found.proof.pages == tuple(end * SECTOR for end in ends)
    assert (found.proof.capacity, found.proof.change_id) == (CAPACITY, "52 a1/1")


def shifted(page: ReportedPage) -> ReportedPage:
    return replace(page, offset=page.offset + SECTOR)


def emptied(page: ReportedPage) -> ReportedPage:
    return replace(page, length=0)


def negative(page: ReportedPage) -> ReportedPage:
    return replace(page, length=-SECTOR)


def too_long(page: ReportedPage) -> ReportedPage:
    return replace(page, length=CAPACITY - page.offset + SECTOR)


def with_area(start: int, length: int) -> Callable[[ReportedPage], ReportedPage]:
    return lambda page: replace(page, areas=[ReportedArea(page.offset + start, length)])


def doubled(page: ReportedPage) -> ReportedPage:
    area = ReportedArea(page.offset, SECTOR)
    return replace(page, areas=[area, area])


def descending(page: ReportedPage) -> ReportedPage:
    areas = [ReportedArea(page.offset + SECTOR, SECTOR), ReportedArea(page.offset, SECTOR)]
    return replace(page, length=max(page.length, 2 * SECTOR), areas=areas)


@given(SECTOR_SETS, PAGE_ENDS, st.data())
@pytest.mark.parametrize(
    ("violation", "error"),
    [
        (shifted, MisplacedPageError),
        (emptied, EmptyPageError),
        (negative, EmptyPageError),
        (too_long, EmptyPageError),
        (with_area(0, 0), ImpossibleAreaError),
        (with_area(0, -SECTOR), ImpossibleAreaError),
        (with_area(0, 1), ImpossibleAreaError),
        (with_area(1, SECTOR), ImpossibleAreaError),
        (with_area(-SECTOR, SECTOR), ImpossibleAreaError),
        (with_area(0, CAPACITY + SECTOR), ImpossibleAreaError),
        (doubled, ImpossibleAreaError),
    ],
    ids=lambda value: getattr(value, "__name__", "area"),
)
def test_one_false_page_anywhere_is_enough_to_believe_none(
    violation: Callable[[ReportedPage], ReportedPage],
    error: type[ChangeTrackingError],
    changed: set[int],
    ends: list[int],
    data: st.DataObject,
) -> None:
    pages = pages_of(changed, ends)
    false = data.draw(st.sampled_from(sorted(pages)))
    pages[false] = violation(pages[false])
    with pytest.raises(error, match="web-01 / Hard disk 1"):
        collect_areas(pages.__getitem__, CAPACITY, "52 a1/1", "web-01 / Hard disk 1")


def test_areas_out_of_order_are_not_believed() -> None:
    page = descending(ReportedPage(0, CAPACITY, []))
    with pytest.raises(ImpossibleAreaError):
        collect_areas(lambda _: page, CAPACITY, "52 a1/1", "disk")


def test_an_area_behind_its_page_is_not_believed_although_it_is_on_the_disk() -> None:
    page = ReportedPage(0, 2 * SECTOR, [ReportedArea(2 * SECTOR, SECTOR)])
    with pytest.raises(ImpossibleAreaError, match=r"\[1024, 1536\) does not lie in \[0, 1024\)"):
        collect_areas(lambda _: page, CAPACITY, "52 a1/1", "disk")

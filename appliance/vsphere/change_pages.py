"""The pages of one query for changed areas, put together with proof that they cover the disk; pure.

One answer covers only part of a disk. Products that did not ask for the rest, or believed a page that was
not theirs, wrote incomplete backups; here every page is checked before its areas are believed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.model.change_tracking import ChangedAreas, CoverageProof
from appliance.model.extents import Extent, merge_extents
from appliance.model.units import SECTOR_SIZE
from appliance.vsphere.errors import EmptyPageError, ImpossibleAreaError, MisplacedPageError


@dataclass(frozen=True, slots=True)
class ReportedArea:
    """An area as the host reports it, not yet believed."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class ReportedPage:
    """One answer, not yet believed: it says something about [offset, offset + length)."""

    offset: int
    length: int
    areas: Sequence[ReportedArea]

    @property
    def end(self) -> int:
        """The first byte it says nothing about."""
        return self.offset + self.length


def collect_areas(
    ask: Callable[[int], ReportedPage], capacity: int, change_id: str, disk_label: str
) -> ChangedAreas:
    """All areas of a disk of `capacity` bytes, asked for page by page from 0 on.

    Raises:
        MisplacedPageError: a page starts elsewhere than asked.
        EmptyPageError: a page covers nothing, or more than the disk.
        ImpossibleAreaError: an area outside its page, not of whole sectors, or out of order.
    """
    position = 0
    ends: list[int] = []
    extents: list[Extent] = []
    while position < capacity:
        page = ask(position)
        _check_page(page, position, capacity, disk_label)
        extents.extend(_believed_areas(page, disk_label))
        position = page.end
        ends.append(position)
    # A change that runs over a page's end comes in two halves.
    return ChangedAreas(tuple(merge_extents(extents)), CoverageProof(capacity, tuple(ends), change_id))


def _check_page(page: ReportedPage, asked: int, capacity: int, disk_label: str) -> None:
    if page.offset != asked:
        raise MisplacedPageError(
            f"{disk_label}: asked for changes from byte {asked}, got an answer from byte {page.offset}"
        )
    if page.length <= 0 or page.end > capacity:
        raise EmptyPageError(
            f"{disk_label}: asked for changes from byte {asked} of {capacity}, "
            f"got an answer about {page.length} bytes"
        )


def _believed_areas(page: ReportedPage, disk_label: str) -> list[Extent]:
    extents: list[Extent] = []
    position = page.offset
    for area in page.areas:
        end = area.start + area.length
        if area.length <= 0 or area.start % SECTOR_SIZE or area.length % SECTOR_SIZE:
            raise ImpossibleAreaError(
                f"{disk_label}: changed area of {area.length} bytes at {area.start} is not whole sectors"
            )
        if area.start < position or end > page.end:
            raise ImpossibleAreaError(
                f"{disk_label}: changed area [{area.start}, {end}) does not lie in [{position}, {page.end}), "
                "the rest of its page"
            )
        extents.append(Extent(area.start, area.length))
        position = end
    return extents

"""Ranges of bytes and what can be done with them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Extent:
    """The bytes [offset, offset + length) of one disk; never empty."""

    offset: int
    length: int

    def __post_init__(self) -> None:
        if self.offset < 0 or self.length <= 0:
            raise ValueError(f"not a range of bytes: offset {self.offset}, length {self.length}")

    @property
    def end(self) -> int:
        """The first byte behind the range."""
        return self.offset + self.length


def merge_extents(extents: Iterable[Extent]) -> Iterator[Extent]:
    """Yield the union of `extents`, ascending, neighbours joined; the input may overlap in any order."""
    pending: Extent | None = None
    for extent in sorted(extents):
        if pending is None:
            pending = extent
        elif extent.offset <= pending.end:
            pending = Extent(pending.offset, max(pending.end, extent.end) - pending.offset)
        else:
            yield pending
            pending = extent
    if pending is not None:
        yield pending


def align_extents(extents: Iterable[Extent], block_size: int, capacity: int) -> Iterator[Extent]:
    """Yield the whole blocks that `extents` (ascending) touch, merged, cut at `capacity`."""
    pending: Extent | None = None
    for extent in extents:
        start = extent.offset // block_size * block_size
        end = min(-(-extent.end // block_size) * block_size, capacity)
        if end <= start:
            continue
        if pending is not None and start <= pending.end:
            pending = Extent(pending.offset, max(pending.end, end) - pending.offset)
            continue
        if pending is not None:
            yield pending
        pending = Extent(start, end - start)
    if pending is not None:
        yield pending


def total_length(extents: Iterable[Extent]) -> int:
    """The bytes that disjoint `extents` cover together."""
    return sum(extent.length for extent in extents)

"""Which bytes are read in which calls; pure and lazy, so that a 62 TiB disk costs no memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from appliance.model.extents import Extent, align_extents


def plan_reads(
    extents: Iterable[Extent],
    already_done: Iterable[Extent],
    block_size: int,
    capacity: int,
    longest_read: int,
) -> Iterator[Extent]:
    """Yield the reads that cover every block `extents` touches and `already_done` does not, ascending.

    A read starts at a block's start and ends at a block's end (or at `capacity`), is at most
    `longest_read` long, and ends where `longest_read` divides the disk, so that neighbours stay aligned
    whatever lies before them. Both inputs ascend and do not overlap; `already_done` is what a checkpoint
    covers, in whole blocks.

    Raises:
        ValueError: `longest_read` is not a whole number of blocks.
    """
    if longest_read < block_size or longest_read % block_size:
        raise ValueError(f"reads of {longest_read} bytes do not fit blocks of {block_size}")
    for extent in without(align_extents(extents, block_size, capacity), already_done):
        position = extent.offset
        while position < extent.end:
            boundary = position // longest_read * longest_read + longest_read
            end = min(extent.end, boundary)
            yield Extent(position, end - position)
            position = end


def without(extents: Iterable[Extent], removed: Iterable[Extent]) -> Iterator[Extent]:
    """Yield what of `extents` is not in `removed`; both ascending, disjoint and read only once."""
    holes = iter(removed)
    hole = next(holes, None)
    for extent in extents:
        position = extent.offset
        while hole is not None and hole.offset < extent.end:
            if hole.offset > position:
                yield Extent(position, hole.offset - position)
            position = max(position, hole.end)
            if hole.end > extent.end:
                break
            hole = next(holes, None)
        if position < extent.end:
            yield Extent(position, extent.end - position)


def blocks_as_extents(indexes: Iterable[int], block_size: int, capacity: int) -> Iterator[Extent]:
    """Yield ascending block `indexes` as merged byte ranges, cut at `capacity`; repeated ones count once."""
    first: int | None = None
    last = -1
    for index in indexes:
        if first is not None and index <= last + 1:
            last = index
            continue
        if first is not None:
            yield _run(first, last, block_size, capacity)
        first = last = index
    if first is not None:
        yield _run(first, last, block_size, capacity)


def _run(first: int, last: int, block_size: int, capacity: int) -> Extent:
    offset = first * block_size
    return Extent(offset, min((last + 1) * block_size, capacity) - offset)

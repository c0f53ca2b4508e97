"""QueryAllocatedBlocks: which parts of a disk its datastore has storage for."""

import ctypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vddk_bindings.constants import MAXIMUM_CHUNKS_PER_QUERY, MINIMUM_CHUNK_SECTORS
from vddk_bindings.entry_points import EntryPoints
from vddk_bindings.errors import InvalidArgumentError
from vddk_bindings.structures import Block, BlockList


@dataclass(frozen=True, slots=True)
class SectorRange:
    """`sector_count` sectors of 512 bytes from `start_sector` on."""

    start_sector: int
    sector_count: int

    @property
    def end_sector(self) -> int:
        """The first sector behind the range."""
        return self.start_sector + self.sector_count


def check_chunk(chunk_sectors: int) -> None:
    """Refuse a granularity finer than the library's finest.

    Raises:
        InvalidArgumentError: the chunk is too small.
    """
    if chunk_sectors < MINIMUM_CHUNK_SECTORS:
        raise InvalidArgumentError(
            f"chunks of {chunk_sectors} sectors are below the least, {MINIMUM_CHUNK_SECTORS}"
        )


def check_query(start_sector: int, sector_count: int, chunk_sectors: int) -> None:
    """Refuse what QueryAllocatedBlocks refuses, with a reason.

    Raises:
        InvalidArgumentError: chunk too small, range not made of whole chunks, or more chunks than one call
            takes.
    """
    check_chunk(chunk_sectors)
    if start_sector < 0 or sector_count <= 0 or start_sector % chunk_sectors or sector_count % chunk_sectors:
        raise InvalidArgumentError(
            f"{sector_count} sectors from {start_sector} are not whole chunks of {chunk_sectors} sectors"
        )
    if sector_count // chunk_sectors > MAXIMUM_CHUNKS_PER_QUERY:
        raise InvalidArgumentError(
            f"{sector_count // chunk_sectors} chunks are more than one call takes, {MAXIMUM_CHUNKS_PER_QUERY}"
        )


def query_allocated_blocks(
    entry_points: EntryPoints, handle: int, start_sector: int, sector_count: int, chunk_sectors: int
) -> list[SectorRange]:
    """Return the allocated ranges of one checked query, ascending; to be called on the designated thread."""
    pointer = ctypes.POINTER(BlockList)()
    entry_points.check(
        "VixDiskLib_QueryAllocatedBlocks",
        handle,
        start_sector,
        sector_count,
        chunk_sectors,
        ctypes.byref(pointer),
    )
    try:
        first_block = ctypes.addressof(pointer.contents) + BlockList.blocks.offset
        blocks = (Block * pointer.contents.numBlocks).from_address(first_block)
        return [SectorRange(block.offset, block.length) for block in blocks]
    finally:
        entry_points.check("VixDiskLib_FreeBlockList", pointer)


def plan_queries(capacity_sectors: int, chunk_sectors: int) -> list[SectorRange]:
    """Return the queries that cover all whole chunks of a disk; less than one chunk remains at its end.

    Raises:
        InvalidArgumentError: the chunk is too small.
    """
    check_chunk(chunk_sectors)
    whole = capacity_sectors - capacity_sectors % chunk_sectors
    step = chunk_sectors * MAXIMUM_CHUNKS_PER_QUERY
    return [SectorRange(start, min(step, whole - start)) for start in range(0, whole, step)]


def merge_ranges(ranges: Iterable[SectorRange]) -> Iterator[SectorRange]:
    """Yield ascending `ranges` with those that touch made one."""
    current: SectorRange | None = None
    for following in ranges:
        if current is not None and current.end_sector == following.start_sector:
            current = SectorRange(current.start_sector, current.sector_count + following.sector_count)
            continue
        if current is not None:
            yield current
        current = following
    if current is not None:
        yield current

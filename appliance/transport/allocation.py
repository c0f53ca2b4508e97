"""What QueryAllocatedBlocks is asked and how its answer is taken; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from appliance.model.extents import Extent
from appliance.model.units import SECTOR_SIZE

_SMALLEST_CHUNK_SECTORS: Final = 512
"""256 KiB, the default block: finer answers would be thrown away."""
_MOST_CHUNKS: Final = 262_144
"""Up to 64 GiB the finest chunks; then they grow with the disk, because the query is slow for each chunk."""


def chunk_sectors_for(capacity: int) -> int:
    """How many sectors one bit of the answer stands for: a power of two times the smallest."""
    chunk = _SMALLEST_CHUNK_SECTORS
    while capacity > chunk * SECTOR_SIZE * _MOST_CHUNKS:
        chunk *= 2
    return chunk


def extents_of_query(ranges: Iterable[tuple[int, int]], capacity: int) -> list[Extent]:
    """The answer's (first sector, number of sectors) as extents.

    Raises:
        ValueError: the answer leaves the disk or does not ascend: it cannot be believed.
    """
    extents: list[Extent] = []
    end = 0
    for start_sector, sector_count in ranges:
        extent = Extent(start_sector * SECTOR_SIZE, sector_count * SECTOR_SIZE)
        if extent.offset < end or extent.end > capacity:
            raise ValueError(f"allocated range {extent} does not follow {end} in a disk of {capacity} bytes")
        extents.append(extent)
        end = extent.end
    return extents

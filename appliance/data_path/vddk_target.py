"""A disk of vSphere as a restore's target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from appliance.codec import block_digest
from appliance.data_path.buffers import PageBuffer
from appliance.data_path.errors import ReadBackError
from appliance.data_path.tally import Tally
from appliance.model.extents import Extent
from appliance.model.units import MIB
from appliance.repository.task_files import PlanRow
from appliance.transport import DiskWriter

_ZEROS: Final = MIB
_PERCENT: Final = 100
_SPREAD: Final = 2_654_435_761
"""Knuth's multiplicative hash (The Art of Computer Programming 6.4): neighbours land far apart."""


class DiskTarget:
    """Implements `BlockTarget` for a disk that is written through a transport."""

    def __init__(self, writer: DiskWriter) -> None:
        self._writer = writer

    def write_blocks(self, offset: int, content: memoryview) -> None:
        """See `BlockTarget.write_blocks`."""
        self._writer.write(offset, content)

    def finish(self) -> None:
        """See `BlockTarget.finish`."""
        self._writer.flush()


def write_zeros(writer: DiskWriter, extents: Iterable[Extent], tally: Tally) -> None:
    """Overwrite `extents` of a disk that is not zero there."""
    zeros = PageBuffer(_ZEROS).memory
    for extent in extents:
        for position in range(extent.offset, extent.end, _ZEROS):
            length = min(_ZEROS, extent.end - position)
            writer.write(position, zeros[:length])
            tally.written += length
            tally.done += length


def iter_sample(blocks: Iterable[PlanRow], percent: int) -> Iterator[PlanRow]:
    """Yield about `percent` of `blocks`, spread over the disk and the same ones each time."""
    return (block for block in blocks if block.block * _SPREAD % (1 << 32) * _PERCENT >> 32 < percent)


def check_written_blocks(
    writer: DiskWriter, blocks: Iterable[PlanRow], block_size: int, disk: str, tally: Tally
) -> None:
    """Read `blocks` from the disk again and compare their digests.

    Raises:
        ReadBackError: the disk holds something else.
    """
    buffer = PageBuffer(block_size)
    for block in blocks:
        offset = block.block * block_size
        content = buffer.memory[: min(block_size, writer.capacity - offset)]
        writer.read_into(offset, content)
        found = block_digest(content)
        if found != block.digest:
            raise ReadBackError(
                f"block {block.block} of {disk} was written with digest {block.digest.hex()} "
                f"but reads back with {found.hex()}"
            )
        tally.read_back += len(content)

"""Segments to blocks: read a range, decode each block in it, compare its digest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.codec import decode_block
from appliance.data_path.buffers import PageBuffer
from appliance.data_path.write_plan import SegmentRead
from appliance.model.blocks import BlockLocation
from appliance.model.units import MIB
from appliance.repository.segment_reader import SegmentReader
from appliance.repository.task_files import PlanRow

LONGEST_STORED_READ: Final = 4 * MIB
"""Blocks of several workers lie mixed in a segment: so much at once brings whole runs of the disk."""
LONGEST_RUN: Final = MIB
WIDEST_GAP: Final = MIB // 8
"""Bytes that are read and thrown away rather than starting another read."""


class BlockSource:
    """One thread's way from segments to decoded blocks; a block is valid until the next one is asked for."""

    def __init__(self, segments: SegmentReader, disk: str, block_size: int, capacity: int) -> None:
        self._segments = segments
        self._disk = disk
        self._block_size = block_size
        self._capacity = capacity
        self._stored = PageBuffer(max(LONGEST_STORED_READ, block_size))
        self._decoded = PageBuffer(max(LONGEST_RUN, block_size))
        self._decoded_from: tuple[BlockLocation, int] | None = None

    def length_of(self, index: int) -> int:
        """The block's size; less than the block size only at the disk's end."""
        return min(self._block_size, self._capacity - index * self._block_size)

    def read(self, read: SegmentRead) -> memoryview:
        """The stored bytes of a whole read.

        Raises:
            DamageError: the segment is missing or ends too early.
        """
        stored = self._stored.memory[: read.length]
        self._segments.read_into(read.segment, read.offset, stored)
        return stored

    def iter_runs(self, read: SegmentRead) -> Iterator[tuple[int, memoryview]]:
        """Every block of a read, as runs of neighbours: offset on the disk and bytes, valid until the next.

        Raises:
            DamageError: something stored is not what was written.
        """
        stored = self.read(read)
        self._decoded_from = None
        start = filled = 0
        for block in sorted(read.blocks, key=lambda row: row.block):
            offset, length = block.block * self._block_size, self.length_of(block.block)
            if filled and (offset != start + filled or filled + length > len(self._decoded.memory)):
                yield start, self._decoded.memory[:filled]
                filled = 0
            if not filled:
                start = offset
            self._decode_into(self._decoded.memory[filled : filled + length], block, read, stored)
            filled += length
        if filled:
            yield start, self._decoded.memory[:filled]

    def decode(self, block: PlanRow, read: SegmentRead, stored: memoryview) -> memoryview:
        """The block's bytes, compared with its digest; the same stored bytes are not decoded twice in a row.

        Raises:
            DamagedBlockError: the stored bytes are not what was written.
        """
        length = self.length_of(block.block)
        content = self._decoded.memory[:length]
        if self._decoded_from != (block.location, length):
            self._decoded_from = None
            self._decode_into(content, block, read, stored)
            self._decoded_from = (block.location, length)
        return content

    def iter_blocks(self, read: SegmentRead) -> Iterator[tuple[PlanRow, memoryview]]:
        """Every block of a read with its bytes.

        Raises:
            DamageError: something stored is not what was written.
        """
        stored = self.read(read)
        for block in read.blocks:
            yield block, self.decode(block, read, stored)

    def _decode_into(
        self, content: memoryview, block: PlanRow, read: SegmentRead, stored: memoryview
    ) -> None:
        start = block.location.offset - read.offset
        piece = stored[start : start + block.location.stored_length]
        place = f"block {block.block} of {self._disk} in segment {read.segment}"
        decode_block(piece, block.location.flags, block.digest, content, place)

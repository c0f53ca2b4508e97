"""Blocks of a disk image and where they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from appliance.model.identifiers import SegmentId
from appliance.model.units import KIB, MIB, TIB

DIGEST_SIZE = 32
ZERO_DIGEST = bytes(DIGEST_SIZE)
"""Stands for "all zero" where a digest is expected; no BLAKE3 output is ever compared with it."""

DEFAULT_BLOCK_SIZE = 256 * KIB
LARGE_DISK_BLOCK_SIZE = MIB
LARGE_DISK = 8 * TIB
SMALLEST_BLOCK_SIZE = 64 * KIB
LARGEST_BLOCK_SIZE = 4 * MIB


def block_size_for(capacity: int) -> int:
    """The block size a new map chain of a disk of `capacity` bytes is started with."""
    return LARGE_DISK_BLOCK_SIZE if capacity > LARGE_DISK else DEFAULT_BLOCK_SIZE


class BlockFlags(IntFlag):
    """How a block's bytes are stored, and in drafts what became of the block.

    docs/repository-format.md, "Blocks" and "Drafts".
    """

    NONE = 0
    COMPRESSED = 1
    """The stored bytes are one zstd frame; otherwise they are the block itself."""
    ZERO = 16
    """Draft rows only: the block is all zero."""
    UNCHANGED = 32
    """Draft rows only: the block equals the parent's."""
    DEDUPLICATED = 64
    """Draft rows only: the block's bytes were stored before."""


STORED_FLAGS = BlockFlags.COMPRESSED
"""The flags that a block map keeps."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One durable segment object; `digest` is the BLAKE3 of its trailer, in hexadecimal."""

    id: SegmentId
    length: int
    digest: str


def block_count_of(capacity: int, block_size: int) -> int:
    """How many blocks a disk of `capacity` bytes has; the last one may be short."""
    return -(-capacity // block_size)


def block_length(index: int, block_size: int, capacity: int) -> int:
    """The bytes of block `index` of a disk of `capacity` bytes."""
    return min(block_size, capacity - index * block_size)


def entropy_of(stored_length: int, raw_length: int) -> int:
    """How much information a byte of a block carries, 0 to 255, judged by what compression left of it."""
    return min(255, -(-255 * stored_length // raw_length))


@dataclass(frozen=True, slots=True)
class BlockLocation:
    """`stored_length` bytes at `offset` of one segment object."""

    segment: SegmentId
    offset: int
    stored_length: int
    flags: BlockFlags


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """What one row of a block map says: `location` None means the block is all zero.

    `digest` covers exactly the block's bytes at the point's capacity; `entropy` is 0 to 255, what the
    compressor left of each byte (see `entropy_of`); `origin` is the run that read the block from the disk.
    """

    index: int
    digest: bytes
    location: BlockLocation | None
    entropy: int
    origin: str

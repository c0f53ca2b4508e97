"""The fixed parts of a segment: docs/repository-format.md, "Segment". Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from appliance.model.blocks import BlockFlags
from appliance.model.identifiers import SegmentId
from appliance.model.units import MIB
from appliance.repository.errors import DamagedSegmentError

SEGMENT_TARGET = 64 * MIB
MOST_BLOCKS = 65_536
HEADER_LENGTH = 64
ENTRY_LENGTH = 48
TRAILER_LENGTH = 64

_HEADER_MAGIC = b"KLSEGM\x00\x01"
_TRAILER_MAGIC = b"KLSEGT\x00\x01"
_HEADER = struct.Struct("<8s32s24x")
_ENTRY = struct.Struct("<32sIIIB3x")
_TRAILER = struct.Struct("<8sIIQ32s8x")


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """What a footer says of one stored block."""

    digest: bytes
    offset: int
    stored_length: int
    raw_length: int
    flags: BlockFlags


@dataclass(frozen=True, slots=True)
class SegmentTrailer:
    """The end of a segment; `digest` is the BLAKE3 of everything before."""

    entry_count: int
    footer_length: int
    object_length: int
    digest: bytes


def pack_header(segment: SegmentId) -> bytes:
    """The first bytes of a segment."""
    return _HEADER.pack(_HEADER_MAGIC, bytes.fromhex(segment))


def check_header(content: bytes, segment: SegmentId) -> None:
    """Make sure that an object begins as segment `segment` does.

    Raises:
        DamagedSegmentError: it does not.
    """
    if content != pack_header(segment):
        raise DamagedSegmentError(f"segment {segment} does not begin with its own header")


def pack_entry(entry: SegmentEntry) -> bytes:
    """One line of the footer."""
    return _ENTRY.pack(entry.digest, entry.offset, entry.stored_length, entry.raw_length, entry.flags)


def unpack_footer(content: bytes) -> tuple[SegmentEntry, ...]:
    """Every line of a footer."""
    return tuple(
        SegmentEntry(digest, offset, stored, raw, BlockFlags(flags))
        for digest, offset, stored, raw, flags in _ENTRY.iter_unpack(content)
    )


def pack_trailer(trailer: SegmentTrailer) -> bytes:
    """The last bytes of a segment."""
    return _TRAILER.pack(
        _TRAILER_MAGIC, trailer.entry_count, trailer.footer_length, trailer.object_length, trailer.digest
    )


def unpack_trailer(content: bytes, segment: SegmentId) -> SegmentTrailer:
    """What the last bytes of a segment say.

    Raises:
        DamagedSegmentError: they are no trailer.
    """
    if len(content) != TRAILER_LENGTH or not content.startswith(_TRAILER_MAGIC):
        raise DamagedSegmentError(f"segment {segment} does not end with a trailer")
    _, entry_count, footer_length, object_length, digest = _TRAILER.unpack(content)
    return SegmentTrailer(entry_count, footer_length, object_length, digest)

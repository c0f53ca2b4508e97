"""The fixed parts of a stream-optimised VMDK; pure.

Source: VMware, "Virtual Disk Format 5.0", headings "Hosted Sparse Extent Header", "Stream-Optimized
Compressed Sparse Extents" and "The Descriptor File". Everything is little-endian and counted in sectors.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

from appliance.model.units import SECTOR_SIZE

GRAIN_SECTORS: Final = 128
GRAIN: Final = GRAIN_SECTORS * SECTOR_SIZE
GRAINS_PER_TABLE: Final = 512
DESCRIPTOR_START: Final = 1
DESCRIPTOR_SECTORS: Final = 20
OVERHEAD_SECTORS: Final = 128
"""Where grains begin: header and descriptor, rounded up to a grain."""
LARGEST_SECTOR: Final = 0xFFFFFFFF
"""Grain tables hold 32-bit sector numbers: the file may grow to 2 TiB."""
DIRECTORY_AT_END: Final = 0xFFFFFFFFFFFFFFFF

_HEADER: Final = struct.Struct("<4sIIQQQQIQQQB4sH433x")
_MAGIC: Final = b"KDMV"
_VERSION: Final = 3
_FLAGS: Final = 0x30001
"""Line ends can be checked, grains are compressed, markers are used."""
_LINE_END_TEST: Final = b"\n \r\n"
_DEFLATE: Final = 1
_GRAIN_MARKER: Final = struct.Struct("<QI")
_MARKER: Final = struct.Struct("<QII496x")
_HEADS: Final = 255
_TRACK_SECTORS: Final = 63


class Marker(IntEnum):
    """What follows a metadata marker."""

    END_OF_STREAM = 0
    GRAIN_TABLE = 1
    GRAIN_DIRECTORY = 2
    FOOTER = 3


def header(capacity_sectors: int, directory_start: int) -> bytes:
    """The first sector of the file and, with the directory's real place, its footer."""
    return _HEADER.pack(
        _MAGIC,
        _VERSION,
        _FLAGS,
        capacity_sectors,
        GRAIN_SECTORS,
        DESCRIPTOR_START,
        DESCRIPTOR_SECTORS,
        GRAINS_PER_TABLE,
        0,  # no redundant directory
        directory_start,
        OVERHEAD_SECTORS,
        0,  # shut down cleanly
        _LINE_END_TEST,
        _DEFLATE,
    )


def descriptor(capacity_sectors: int, file_name: str, content_id: int) -> bytes:
    """The text that says what the file is, padded to its sectors."""
    cylinders = max(1, capacity_sectors // (_HEADS * _TRACK_SECTORS))
    text = (
        "# Disk DescriptorFile\n"
        "version=1\n"
        f"CID={content_id:08x}\n"
        "parentCID=ffffffff\n"
        'createType="streamOptimized"\n'
        "\n"
        "# Extent description\n"
        f'RW {capacity_sectors} SPARSE "{file_name}"\n'
        "\n"
        "# The Disk Data Base\n"
        "#DDB\n"
        "\n"
        'ddb.virtualHWVersion = "14"\n'
        f'ddb.geometry.cylinders = "{cylinders}"\n'
        f'ddb.geometry.heads = "{_HEADS}"\n'
        f'ddb.geometry.sectors = "{_TRACK_SECTORS}"\n'
        'ddb.adapterType = "lsilogic"\n'
    )
    return padded(text.encode(), DESCRIPTOR_SECTORS)


def grain(first_sector: int, compressed: bytes) -> bytes:
    """One grain of the disk as it lies in the file: marker, bytes, padding."""
    return padded(_GRAIN_MARKER.pack(first_sector, len(compressed)) + compressed)


def marker(kind: Marker, following_sectors: int) -> bytes:
    """The sector in front of a table, the directory or the footer; the end of the stream."""
    return _MARKER.pack(following_sectors, 0, kind)


def padded(content: bytes, sectors: int | None = None) -> bytes:
    """`content` with zeros up to a whole number of sectors."""
    length = -(-len(content) // SECTOR_SIZE) * SECTOR_SIZE if sectors is None else sectors * SECTOR_SIZE
    return content.ljust(length, b"\0")

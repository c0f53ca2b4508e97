"""Where file systems lie on a disk: a GUID partition table (UEFI specification, chapter 5) or all of it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from keepline_lab.errors import LabError
from keepline_lab.extents import Extent

SECTOR_SIZE = 512
HEADER = struct.Struct("<8s64xQII")  # signature … first sector of the entries, their count and size
SIGNATURES = {(0x438, b"\x53\xef"): "ext4", (0, b"XFSB"): "xfs", (3, b"NTFS    "): "ntfs"}
SIGNATURE_SPAN = 4096


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system found on a disk image: `kind` is ext4, xfs or ntfs."""

    kind: str
    extent: Extent


def partitions(image: Path) -> tuple[Extent, ...]:
    """Return the partitions of a disk, or the whole disk when it has no GUID partition table."""
    with image.open("rb") as disk:
        disk.seek(SECTOR_SIZE)
        signature, first_sector, count, size = HEADER.unpack(disk.read(HEADER.size))
        if signature != b"EFI PART":
            return (Extent(0, image.stat().st_size),)
        disk.seek(first_sector * SECTOR_SIZE)
        table = disk.read(count * size)
    entries = (table[start : start + size] for start in range(0, count * size, size))
    return tuple(_extent_of(entry) for entry in entries if any(entry[:16]))


def _extent_of(entry: bytes) -> Extent:
    first, last = struct.unpack_from("<QQ", entry, 32)
    return Extent(first * SECTOR_SIZE, (last + 1 - first) * SECTOR_SIZE)


def file_systems(image: Path) -> tuple[FileSystem, ...]:
    """Return the file systems of a disk.

    Raises:
        LabError: a partition holds none that is known here.
    """
    return tuple(FileSystem(_kind_of(image, extent), extent) for extent in partitions(image))


def _kind_of(image: Path, extent: Extent) -> str:
    with image.open("rb") as disk:
        disk.seek(extent.offset)
        start = disk.read(SIGNATURE_SPAN)
    for (offset, magic), kind in SIGNATURES.items():
        if start[offset : offset + len(magic)] == magic:
            return kind
    raise LabError(f"{image} holds no ext4, XFS or NTFS at byte {extent.offset}")

"""Byte ranges of a disk, and how two versions of a disk differ."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from keepline_lab.errors import LabError

GRANULARITY = 65536
"""QEMU's dirty bitmaps are taken, and images compared, in cells of this many bytes."""


@dataclass(frozen=True, slots=True, order=True)
class Extent:
    """The bytes from `offset` on, `length` of them."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """The first byte after the range."""
        return self.offset + self.length


def merge_cells(cells: Iterable[int], capacity: int) -> tuple[Extent, ...]:
    """Return the ranges that ascending cell numbers cover, neighbours joined, cut off at `capacity`."""
    merged: list[Extent] = []
    for cell in cells:
        offset = cell * GRANULARITY
        length = min(GRANULARITY, capacity - offset)
        if merged and merged[-1].end == offset:
            merged[-1] = Extent(merged[-1].offset, merged[-1].length + length)
        else:
            merged.append(Extent(offset, length))
    return tuple(merged)


def cells_of(extents: Iterable[Extent]) -> set[int]:
    """Return the numbers of all cells that the ranges touch."""
    return {
        cell
        for extent in extents
        for cell in range(extent.offset // GRANULARITY, -(-extent.end // GRANULARITY))
    }


def differing_extents(before: Path, after: Path) -> tuple[Extent, ...]:
    """Compare two images of the same length cell by cell; holes on both sides are not read.

    Raises:
        LabError: the images differ in length.
    """
    capacity = after.stat().st_size
    if before.stat().st_size != capacity:
        raise LabError(f"{before} has {before.stat().st_size} bytes but {after} has {capacity}")
    with before.open("rb") as left, after.open("rb") as right:
        stored = sorted({*stored_cells(left.fileno(), capacity), *stored_cells(right.fileno(), capacity)})
        differing = (
            cell
            for cell in stored
            if os.pread(left.fileno(), GRANULARITY, cell * GRANULARITY)
            != os.pread(right.fileno(), GRANULARITY, cell * GRANULARITY)
        )
        return merge_cells(differing, capacity)


def stored_cells(descriptor: int, capacity: int) -> Iterator[int]:
    """Yield the numbers of the cells of an open file that are not wholly in holes."""
    position, last = 0, -1
    while position < capacity:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole up to the end
            return
        position = os.lseek(descriptor, start, os.SEEK_HOLE)
        for cell in range(max(start // GRANULARITY, last + 1), -(-position // GRANULARITY)):
            yield cell
            last = cell


def copy_image(source: Path, target: Path) -> None:
    """Copy an image; shared blocks where the file system can, holes kept where it cannot.

    Raises:
        LabError: `source` cannot be read or `target` cannot be written.
    """
    try:
        with source.open("rb") as reader, target.open("wb") as writer:
            capacity = source.stat().st_size
            writer.truncate(capacity)
            copy_stored_range(reader.fileno(), writer.fileno(), Extent(0, capacity), 0)
    except OSError as error:
        raise LabError(f"cannot copy {source} to {target}: {error.strerror}") from error


def copy_stored_range(reader: int, writer: int, extent: Extent, target_offset: int) -> None:
    """Copy one range between open files without the holes of the source: the target has holes there."""
    position = extent.offset
    while position < extent.end:
        try:
            start = os.lseek(reader, position, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole up to the end
            return
        position = min(os.lseek(reader, start, os.SEEK_HOLE), extent.end)
        if start < position:
            stored = Extent(start, position - start)
            copy_range(reader, writer, stored, target_offset + start - extent.offset)


def copy_range(reader: int, writer: int, extent: Extent, target_offset: int) -> None:
    """Copy one range between open files; copy_file_range shares blocks on btrfs and XFS."""
    copied = 0
    while copied < extent.length:
        count = os.copy_file_range(
            reader, writer, extent.length - copied, extent.offset + copied, target_offset + copied
        )
        if count == 0:
            raise LabError(f"the file ends before byte {extent.end}")
        copied += count


def copy_extents(source: Path, target: Path, extents: Iterable[Extent]) -> None:
    """Copy ranges of one image to the same places of another, which is made if it is missing."""
    with source.open("rb") as reader, target.open("r+b" if target.exists() else "x+b") as writer:
        for extent in extents:
            copy_range(reader.fileno(), writer.fileno(), extent, extent.offset)


def write_extents_file(path: Path, extents: Iterable[Extent]) -> None:
    """Store ranges as a JSON list of [offset, length] pairs."""
    path.write_text(json.dumps([[extent.offset, extent.length] for extent in extents]) + "\n")


def read_extents_file(path: Path) -> tuple[Extent, ...]:
    """Read what `write_extents_file` wrote, or a list of objects with `offset` and `length`.

    Raises:
        LabError: the file is not that.
    """
    try:
        rows = json.loads(path.read_text())
        pairs = ((row["offset"], row["length"]) if isinstance(row, dict) else row for row in rows)
        return tuple(Extent(int(offset), int(length)) for offset, length in pairs)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LabError(f"{path} is not a JSON list of [offset, length] pairs: {error}") from error

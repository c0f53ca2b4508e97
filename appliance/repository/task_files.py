"""The bulky files between engine and mover, as the mover reads them: mapped, never loaded.

docs/repository-format.md, "Files between engine and mover".
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from appliance.model.blocks import DIGEST_SIZE, BlockFlags, BlockLocation, Segment
from appliance.model.documents import from_json, to_json
from appliance.model.extents import Extent
from appliance.model.identifiers import SegmentId
from appliance.model.recovery_points import BlockRange
from appliance.model.task_files import (
    TASK_FILE_COLUMNS,
    TASK_FILE_HEADER,
    TASK_FILE_MAGIC,
    TASK_FILE_PREFIX,
    TaskFileColumn,
    TaskFileHeader,
    TaskFileKind,
)
from appliance.repository.errors import DamagedTaskFileError

_PREFIX = struct.Struct(TASK_FILE_PREFIX)


class TaskFile:
    """One mapped file; leaving the context unmaps it, after which no column may be used."""

    kind: TaskFileKind

    def __init__(self, path: Path) -> None:
        self._path = path
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._map = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
        except ValueError as error:
            raise DamagedTaskFileError(f"{path} is empty") from error
        finally:
            os.close(descriptor)
        self._content = memoryview(self._map)
        self.header = self._read_header()
        self._columns = {column.name: self._column(column) for column in self.header.columns}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for column in self._columns.values():
            column.release()
        self._columns.clear()
        self._content.release()
        self._map.close()

    def _read_header(self) -> TaskFileHeader:
        if len(self._content) < TASK_FILE_HEADER:
            raise DamagedTaskFileError(f"{self._path} is cut short")
        magic, length, _ = _PREFIX.unpack_from(self._content)
        if magic != TASK_FILE_MAGIC:
            raise DamagedTaskFileError(f"{self._path} is not a file of a task")
        try:
            header = from_json(TaskFileHeader, bytes(self._content[_PREFIX.size : _PREFIX.size + length]))
        except ValueError as error:
            raise DamagedTaskFileError(f"{self._path} has no valid header: {error}") from error
        if header.kind != self.kind:
            raise DamagedTaskFileError(f"{self._path} holds {header.kind} instead of {self.kind}")
        return header

    def _column(self, column: TaskFileColumn) -> memoryview:
        end = column.offset + column.width * column.count
        if end > len(self._content):
            raise DamagedTaskFileError(f"{self._path} is cut short: column {column.name} ends at {end}")
        content = self._content[column.offset : end]
        if column.width == struct.calcsize("I"):
            return content.cast("I")
        return content.cast("Q") if column.width == struct.calcsize("Q") else content


class _SegmentTable:
    """The segments that a file's ordinals stand for; made into values on first use, one by one."""

    def __init__(self, columns: dict[str, memoryview]) -> None:
        self._ids = columns["segment_id"]
        self._lengths = columns["segment_length"]
        self._digests = columns["segment_digest"]
        self._known: dict[int, Segment] = {}

    def __getitem__(self, ordinal: int) -> Segment:
        segment = self._known.get(ordinal)
        if segment is None:
            start = ordinal * DIGEST_SIZE
            name = SegmentId(bytes(self._ids[start : start + DIGEST_SIZE]).hex())
            digest = bytes(self._digests[start : start + DIGEST_SIZE]).hex()
            segment = self._known[ordinal] = Segment(name, self._lengths[ordinal], digest)
        return segment


def iter_extents(path: Path) -> Iterator[Extent]:
    """The extents that a file lists, ascending."""
    with _ExtentsFile(path) as extents_file:
        yield from extents_file


class _ExtentsFile(TaskFile):
    kind = TaskFileKind.EXTENTS

    def __iter__(self) -> Iterator[Extent]:
        for offset, length in zip(self._columns["offset"], self._columns["length"], strict=True):
            yield Extent(offset, length)


class ParentDigests(TaskFile):
    """The parent's digest of every block; 32 zero bytes for a zero block."""

    kind = TaskFileKind.PARENT

    def __len__(self) -> int:
        return self.header.row_count

    def __getitem__(self, block: int) -> bytes:
        start = block * DIGEST_SIZE
        return bytes(self._columns["digest"][start : start + DIGEST_SIZE])


@dataclass(frozen=True, slots=True)
class IndexHit:
    """Where known bytes are; `segment` is durable."""

    segment: Segment
    location: BlockLocation


class DigestIndex(TaskFile):
    """Digests that the repository holds, sorted; any number of threads may search."""

    kind = TaskFileKind.INDEX

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._segments = _SegmentTable(self._columns)

    def __len__(self) -> int:
        return self.header.row_count

    def find(self, digest: bytes) -> IndexHit | None:
        """Where the bytes of this digest are stored; None where they are not known."""
        row = self._row_of(digest)
        if row is None:
            return None
        columns = self._columns
        segment = self._segments[columns["segment"][row]]
        flags = BlockFlags(columns["flags"][row])
        return IndexHit(
            segment, BlockLocation(segment.id, columns["offset"][row], columns["stored_length"][row], flags)
        )

    def _row_of(self, digest: bytes) -> int | None:
        """Interpolation: between two known rows, digests are spread evenly."""
        digests, wanted = self._columns["digest"], int.from_bytes(digest[:8], "big")
        low, high = 0, len(self)
        low_value, high_value = 0, 1 << 64
        halve = False
        while low < high:
            guess = (low + high) // 2
            if not halve:
                guess = low + (wanted - low_value) * (high - low) // (high_value - low_value + 1)
                guess = min(max(guess, low), high - 1)
            found = bytes(digests[guess * DIGEST_SIZE : (guess + 1) * DIGEST_SIZE])
            if found == digest:
                return guess
            before = high - low
            if found < digest:
                low, low_value = guess + 1, int.from_bytes(found[:8], "big")
            else:
                high, high_value = guess, int.from_bytes(found[:8], "big")
            # Uneven digests (a test, an attack) must not make it linear: halve where a guess gained little.
            halve = (high - low) * 2 > before and not halve
        return None


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One block to be read from a segment."""

    block: int
    digest: bytes
    location: BlockLocation


class BlockPlan(TaskFile):
    """The blocks of an image that are stored, in the order in which they are best read.

    Sorted by segment and offset within each range of 1 Mi blocks. Any number of threads may read.
    """

    kind = TaskFileKind.PLAN

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._segments = _SegmentTable(self._columns)

    def __len__(self) -> int:
        return self.header.row_count

    def rows(self, start: int, stop: int) -> list[PlanRow]:
        """The rows [start, stop), cut at the end."""
        columns = self._columns
        result = []
        for row in range(start, min(stop, len(self))):
            location = BlockLocation(
                self._segments[columns["segment"][row]].id,
                columns["offset"][row],
                columns["stored_length"][row],
                BlockFlags(columns["flags"][row]),
            )
            digest = bytes(columns["digest"][row * DIGEST_SIZE : (row + 1) * DIGEST_SIZE])
            result.append(PlanRow(columns["block_index"][row], digest, location))
        return result

    def zero_ranges(self) -> Iterator[BlockRange]:
        """The blocks to be written as zeros, ascending; none where the target is zero already."""
        for first, count in zip(self._columns["zero_first"], self._columns["zero_count"], strict=True):
            yield BlockRange(first, count)


def write_extents(path: Path, extents: Iterable[Extent], block_size: int, capacity: int) -> None:
    """Write what a mover is to look at: ascending, disjoint extents."""
    listed = list(extents)
    columns = (
        struct.pack(f"<{len(listed)}Q", *(extent.offset for extent in listed)),
        struct.pack(f"<{len(listed)}Q", *(extent.length for extent in listed)),
    )
    described, position = [], TASK_FILE_HEADER
    for (name, width), _ in zip(TASK_FILE_COLUMNS[TaskFileKind.EXTENTS].items(), columns, strict=True):
        described.append(TaskFileColumn(name, width, position, len(listed)))
        position += -(-len(listed) * width // TASK_FILE_HEADER) * TASK_FILE_HEADER
    header = to_json(
        TaskFileHeader(TaskFileKind.EXTENTS, len(listed), block_size, capacity, tuple(described))
    )
    with path.open("xb") as file:
        file.write(_PREFIX.pack(TASK_FILE_MAGIC, len(header), 0) + header)
        for column, content in zip(described, columns, strict=True):
            file.seek(column.offset)
            file.write(content)
        file.truncate(max(position, TASK_FILE_HEADER))

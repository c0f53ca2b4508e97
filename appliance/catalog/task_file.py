"""Writing a file of a task column by column, without knowing beforehand how many rows there will be.

docs/repository-format.md, "Files between engine and mover".
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from appliance.catalog.segment_table import SegmentTable
from appliance.model.documents import to_json
from appliance.model.task_files import (
    TASK_FILE_COLUMNS,
    TASK_FILE_HEADER,
    TASK_FILE_MAGIC,
    TASK_FILE_PREFIX,
    TaskFileColumn,
    TaskFileHeader,
    TaskFileKind,
)


class TaskFileWriter:
    """Every column gets room for its most rows; what stays unused is a hole of a sparse file."""

    def __init__(self, descriptor: int, kind: TaskFileKind, most_rows: Mapping[str, int]) -> None:
        self._descriptor = descriptor
        self._kind = kind
        self._widths = TASK_FILE_COLUMNS[kind]
        self._starts: dict[str, int] = {}
        self._counts = dict.fromkeys(self._widths, 0)
        position = TASK_FILE_HEADER
        for name, width in self._widths.items():
            self._starts[name] = position
            position += -(-most_rows[name] * width // TASK_FILE_HEADER) * TASK_FILE_HEADER
        self._end = position

    def append(self, name: str, content: memoryview | bytes) -> None:
        """Put values behind those a column has."""
        self.put(name, self._counts[name], content)

    def put(self, name: str, row: int, content: memoryview | bytes) -> None:
        """Put values from `row` on; what was skipped reads as zero."""
        width = self._widths[name]
        rest, position = memoryview(content), self._starts[name] + row * width
        self._counts[name] = max(self._counts[name], row + len(rest) // width)
        while rest:
            written = os.pwrite(self._descriptor, rest, position)
            rest, position = rest[written:], position + written

    def append_segments(self, segments: SegmentTable) -> None:
        """Put the segment table."""
        listed = segments.segments
        self.append("segment_id", b"".join(bytes.fromhex(segment.id) for segment in listed))
        self.append(
            "segment_length", struct.pack(f"<{len(listed)}Q", *(segment.length for segment in listed))
        )
        self.append("segment_digest", b"".join(bytes.fromhex(segment.digest) for segment in listed))

    def finish(self, row_count: int, block_size: int, capacity: int) -> None:
        """Put the header: without it the file is none."""
        columns = tuple(
            TaskFileColumn(name, width, self._starts[name], self._counts[name])
            for name, width in self._widths.items()
        )
        header = to_json(TaskFileHeader(self._kind, row_count, block_size, capacity, columns))
        os.ftruncate(self._descriptor, self._end)
        os.pwrite(
            self._descriptor, struct.pack(TASK_FILE_PREFIX, TASK_FILE_MAGIC, len(header), 0) + header, 0
        )


@contextmanager
def open_task_file(path: Path, kind: TaskFileKind, most_rows: Mapping[str, int]) -> Iterator[TaskFileWriter]:
    """Begin a new file of a task, readable by the appliance alone."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield TaskFileWriter(descriptor, kind, most_rows)
    finally:
        os.close(descriptor)

"""Writes files between engine and mover, straight from docs/repository-format.md; the engine uses Arrow."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from appliance.model.block_columns import NO_SEGMENT
from appliance.model.blocks import DIGEST_SIZE, BlockFlags, BlockLocation, Segment
from appliance.model.documents import to_json
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
from appliance.repository.drafts import iter_parts, read_draft
from appliance.repository.task_files import PlanRow
from appliance.storage import ObjectStore

_LETTERS = {1: "B", 4: "I", 8: "Q"}
_ENCODING_FLAGS = BlockFlags.COMPRESSED


def plan_of_draft(store: ObjectStore, key: str) -> tuple[list[PlanRow], list[Segment]]:
    """The stored blocks of a first full backup, in stored order, and the segments they name."""
    draft = read_draft(store, key)
    segments = {numbered.ordinal: numbered.segment for numbered in draft.segments}
    rows = []
    for part in iter_parts(store, draft):
        columns = part.columns
        for number in range(columns.row_count):
            ordinal = columns.segment.cast("I")[number]
            if ordinal == NO_SEGMENT:
                continue
            location = BlockLocation(
                segments[ordinal].id,
                columns.offset.cast("I")[number],
                columns.stored_length.cast("I")[number],
                BlockFlags(columns.flags[number]) & _ENCODING_FLAGS,
            )
            digest = bytes(columns.digest[number * DIGEST_SIZE : (number + 1) * DIGEST_SIZE])
            rows.append(PlanRow(columns.block_index.cast("Q")[number], digest, location))
    rows.sort(key=lambda row: (row.location.segment, row.location.offset))
    return rows, list(segments.values())


def write_plan(
    path: Path,
    rows: Sequence[PlanRow],
    segments: Sequence[Segment],
    *,
    block_size: int,
    capacity: int,
    zeros: Iterable[BlockRange] = (),
) -> None:
    """A plan that lists `rows`, which are in its order already."""
    zeros = list(zeros)
    columns = {
        "block_index": [row.block for row in rows],
        "zero_first": [zero.first for zero in zeros],
        "zero_count": [zero.count for zero in zeros],
        **_locations(rows, segments),
    }
    _write(path, TaskFileKind.PLAN, columns, len(rows), block_size, capacity)


def write_index(path: Path, rows: Sequence[PlanRow], segments: Sequence[Segment]) -> None:
    """An index of the digests of `rows`."""
    unique = sorted({row.digest: row for row in rows}.values(), key=lambda row: row.digest)
    _write(path, TaskFileKind.INDEX, _locations(unique, segments), len(unique), 0, 0)


def write_parent(path: Path, digests: Sequence[bytes], block_size: int, capacity: int) -> None:
    """The parent's digest of every block."""
    _write(path, TaskFileKind.PARENT, {"digest": digests}, len(digests), block_size, capacity)


def _locations(rows: Sequence[PlanRow], segments: Sequence[Segment]) -> dict[str, Sequence[int | bytes]]:
    ordinals = {segment.id: ordinal for ordinal, segment in enumerate(segments)}
    return {
        "digest": [row.digest for row in rows],
        "segment": [ordinals[row.location.segment] for row in rows],
        "offset": [row.location.offset for row in rows],
        "stored_length": [row.location.stored_length for row in rows],
        "flags": [int(row.location.flags) for row in rows],
        "segment_id": [bytes.fromhex(segment.id) for segment in segments],
        "segment_length": [segment.length for segment in segments],
        "segment_digest": [bytes.fromhex(segment.digest) for segment in segments],
    }


def _write(
    path: Path,
    kind: TaskFileKind,
    values: Mapping[str, Sequence[int | bytes]],
    row_count: int,
    block_size: int,
    capacity: int,
) -> None:
    described, contents, position = [], [], TASK_FILE_HEADER
    for name, width in TASK_FILE_COLUMNS[kind].items():
        content = b"".join(_packed(value, width) for value in values[name])
        described.append(TaskFileColumn(name, width, position, len(values[name])))
        contents.append(content)
        position += -(-len(content) // TASK_FILE_HEADER) * TASK_FILE_HEADER
    header = to_json(TaskFileHeader(kind, row_count, block_size, capacity, tuple(described)))
    with path.open("xb") as file:
        file.write(struct.pack(TASK_FILE_PREFIX, TASK_FILE_MAGIC, len(header), 0) + header)
        for column, content in zip(described, contents, strict=True):
            file.seek(column.offset)
            file.write(content)
        file.truncate(position)


def _packed(value: int | bytes, width: int) -> bytes:
    return value if isinstance(value, bytes) else struct.pack(f"<{_LETTERS[width]}", value)

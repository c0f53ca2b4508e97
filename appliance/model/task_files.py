"""The layout of the bulky files between engine and mover.

docs/repository-format.md, "Files between engine and mover": written by the engine with Arrow at hand,
mapped by the mover without it; so what both must agree on lives here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.model.blocks import DIGEST_SIZE

TASK_FILE_MAGIC = b"KLTASK\x00\x01"
TASK_FILE_HEADER = 4096
"""Bytes in front of the first column, and what every column is aligned to."""
TASK_FILE_PREFIX = "<8sII"
"""Magic, length of the JSON header, zero."""

BLOCKS_PER_RANGE = 1 << 20
"""Maps are overlaid, and plans sorted, by ranges of so many blocks: what bounds memory."""


class TaskFileKind(StrEnum):
    """What a file holds; also its name in a task's folder."""

    EXTENTS = "extents"
    PARENT = "parent"
    INDEX = "index"
    PLAN = "plan"


_SEGMENT_TABLE = {"segment_id": 32, "segment_length": 8, "segment_digest": DIGEST_SIZE}
_LOCATION = {"digest": DIGEST_SIZE, "segment": 4, "offset": 4, "stored_length": 4, "flags": 1}

TASK_FILE_COLUMNS: dict[TaskFileKind, dict[str, int]] = {
    TaskFileKind.EXTENTS: {"offset": 8, "length": 8},
    TaskFileKind.PARENT: {"digest": DIGEST_SIZE},
    TaskFileKind.INDEX: {**_LOCATION, **_SEGMENT_TABLE},
    TaskFileKind.PLAN: {"block_index": 8, **_LOCATION, "zero_first": 8, "zero_count": 8, **_SEGMENT_TABLE},
}
"""Name and width in bytes of the columns of each kind of file."""


@dataclass(frozen=True, slots=True)
class TaskFileColumn:
    """`count` values of `width` bytes from `offset` of the file on."""

    name: str
    width: int
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class TaskFileHeader:
    """What a file says of itself."""

    kind: TaskFileKind
    row_count: int
    block_size: int
    capacity: int
    columns: tuple[TaskFileColumn, ...]

"""Disk drafts: what a mover has read of one disk and nobody can restore yet.

docs/repository-format.md, "Drafts". This module reads them; `draft_writer` writes them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from blake3 import blake3

from appliance.model.block_columns import ROW_WIDTH, BlockColumns
from appliance.model.blocks import Segment
from appliance.model.disk_tasks import CheckpointKey
from appliance.model.documents import from_json, to_json
from appliance.model.identifiers import SegmentId
from appliance.model.recovery_points import BlockRange, DiskStatistics, ObjectReference
from appliance.repository.errors import DamagedDraftError, DamagedObjectError
from appliance.repository.layout import draft_key
from appliance.repository.sealed_documents import open_document
from appliance.storage import ObjectMissingError, ObjectStore

_MAGIC = b"KLROWS\x00\x01"
_PREFIX = struct.Struct("<8sII")
_TRAILER_LENGTH = 32


@dataclass(frozen=True, slots=True)
class NumberedSegment:
    """A segment and its ordinal within the draft."""

    ordinal: int
    id: SegmentId
    length: int
    digest: str

    @property
    def segment(self) -> Segment:
        """The segment alone."""
        return Segment(self.id, self.length, self.digest)


@dataclass(frozen=True, slots=True)
class PartHeader:
    """What a part says of its rows."""

    key: CheckpointKey
    row_count: int
    lowest: int
    highest: int
    segments: tuple[NumberedSegment, ...]


@dataclass(frozen=True, slots=True)
class DraftPart:
    """One checkpoint part, verified."""

    reference: ObjectReference
    header: PartHeader
    columns: BlockColumns


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What earlier attempts under the same key have left durable.

    `covered` is ascending and merged; `next_number` is the first part number nobody has used.
    """

    parts: tuple[ObjectReference, ...] = ()
    segments: tuple[NumberedSegment, ...] = ()
    covered: tuple[BlockRange, ...] = ()
    row_count: int = 0
    next_number: int = 1


@dataclass(frozen=True, slots=True)
class DiskDraft:
    """The document that makes a draft complete; `segments` are all that a row names."""

    format: str
    key: CheckpointKey
    parts: tuple[ObjectReference, ...]
    row_count: int
    segments: tuple[NumberedSegment, ...]
    statistics: DiskStatistics
    transport_mode: str
    warnings: tuple[str, ...]


def pack_part(header: PartHeader, columns: bytes) -> bytes:
    """The bytes of a part."""
    text = to_json(header)
    text += b" " * (-len(text) % 8)
    body = _PREFIX.pack(_MAGIC, len(text), 0) + text + columns
    return body + blake3(body).digest()


def unpack_part(key: str, content: bytes) -> DraftPart:
    """The part that the object `key` holds.

    Raises:
        DamagedDraftError: the bytes are not what was written.
    """
    body, trailer = content[:-_TRAILER_LENGTH], content[-_TRAILER_LENGTH:]
    if blake3(body).digest() != trailer or not body.startswith(_MAGIC):
        raise DamagedDraftError(f"{key} is not a whole part of a draft")
    header_end = _PREFIX.size + _PREFIX.unpack_from(body)[1]
    try:
        header = from_json(PartHeader, body[_PREFIX.size : header_end])
    except ValueError as error:
        raise DamagedDraftError(f"{key} has no valid header: {error}") from error
    if len(body) - header_end != header.row_count * ROW_WIDTH:
        raise DamagedDraftError(f"{key} has {len(body) - header_end} bytes for {header.row_count} rows")
    columns = BlockColumns.over(memoryview(body)[header_end:], header.row_count)
    reference = ObjectReference(key, len(content), blake3(content).hexdigest())
    return DraftPart(reference, header, columns)


def read_checkpoint(store: ObjectStore, prefix: str, key: CheckpointKey) -> Checkpoint:
    """What a task with exactly this `key` need not read again; nothing where there is no such part.

    Parts that are damaged or belong to another key are left out, and their numbers are not used again.
    """
    parts: list[ObjectReference] = []
    segments: dict[int, NumberedSegment] = {}
    covered: list[BlockRange] = []
    row_count, next_number = 0, 1
    for information in store.list(prefix):
        number = _part_number(information.key)
        if number is None:
            continue
        next_number = max(next_number, number + 1)
        part = _read_usable_part(store, information.key, key)
        if part is not None:
            parts.append(part.reference)
            segments.update((numbered.ordinal, numbered) for numbered in part.header.segments)
            covered.extend(ranges_of(part.columns.block_index.cast("Q")))
            row_count += part.header.row_count
    table = tuple(segments[ordinal] for ordinal in sorted(segments))
    return Checkpoint(tuple(parts), table, merge_ranges(covered), row_count, next_number)


def read_draft(store: ObjectStore, key: str) -> DiskDraft:
    """The complete draft whose document is the object `key`.

    Raises:
        DamagedDraftError: it is missing or not what was written.
    """
    try:
        return open_document(DiskDraft, store.read(key), key)
    except (ObjectMissingError, DamagedObjectError) as error:
        raise DamagedDraftError(str(error)) from error


def find_draft(store: ObjectStore, prefix: str, key: CheckpointKey) -> DiskDraft | None:
    """The complete draft below `prefix`, if there is one and it belongs to `key`.

    A damaged one is none: what its parts say is read from them, as after a crash.
    """
    try:
        draft = read_draft(store, draft_key(prefix))
    except DamagedDraftError:
        return None
    return draft if draft.key == key else None


def read_part(store: ObjectStore, reference: ObjectReference) -> DraftPart:
    """One part of a complete draft.

    Raises:
        DamagedDraftError: it is missing or not what the draft's document says.
    """
    try:
        part = unpack_part(reference.key, store.read(reference.key))
    except ObjectMissingError as error:
        raise DamagedDraftError(str(error)) from error
    if part.reference != reference:
        raise DamagedDraftError(f"{reference.key} is not the part that its draft names")
    return part


def iter_parts(store: ObjectStore, draft: DiskDraft) -> Iterator[DraftPart]:
    """Every part of a complete draft, one at a time."""
    for reference in draft.parts:
        yield read_part(store, reference)


def ranges_of(blocks: Iterable[int]) -> Iterator[BlockRange]:
    """The runs that single `blocks`, in any order and each once, make up; ascending."""
    first, end = 0, 0
    for block in sorted(blocks):
        if block != end:
            if end > first:
                yield BlockRange(first, end - first)
            first = block
        end = block + 1
    if end > first:
        yield BlockRange(first, end - first)


def merge_ranges(ranges: Iterable[BlockRange]) -> tuple[BlockRange, ...]:
    """The union of `ranges` in any order; ascending, neighbours joined."""
    merged: list[BlockRange] = []
    for one in sorted(ranges, key=lambda one: one.first):
        if merged and one.first <= merged[-1].first + merged[-1].count:
            last = merged.pop()
            end = max(last.first + last.count, one.first + one.count)
            merged.append(BlockRange(last.first, end - last.first))
        else:
            merged.append(one)
    return tuple(merged)


def _part_number(key: str) -> int | None:
    name, dot, suffix = key.rpartition("/")[2].partition(".")
    return int(name) if dot and suffix == "rows" and name.isdecimal() else None


def _read_usable_part(store: ObjectStore, key: str, wanted: CheckpointKey) -> DraftPart | None:
    try:
        part = unpack_part(key, store.read(key))
    except (DamagedDraftError, ObjectMissingError):
        return None
    return part if part.header.key == wanted else None

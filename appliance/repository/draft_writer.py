"""Rows of one disk to a draft: a row is put only after the bytes it names are durable.

docs/repository-format.md, "Drafts".
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterator

from blake3 import blake3

from appliance.model.block_columns import NO_SEGMENT
from appliance.model.blocks import ZERO_DIGEST, BlockFlags, BlockLocation, Segment
from appliance.model.disk_tasks import CheckpointKey
from appliance.model.identifiers import SegmentId
from appliance.model.recovery_points import DiskStatistics, ObjectReference
from appliance.repository.drafts import Checkpoint, DiskDraft, NumberedSegment, PartHeader, pack_part
from appliance.repository.errors import DraftError
from appliance.repository.layout import FORMAT, draft_key, draft_part_key
from appliance.repository.sealed_documents import seal_document
from appliance.storage import ObjectStore

ROWS_PER_PART = 65_536
"""So many rows that wait for nothing are put even if no segment became durable."""


class _RowBuffer:
    """Rows as growing columns, in the order of a part's columns."""

    def __init__(self) -> None:
        self.block_index = array("Q")
        self.digest = bytearray()
        self.segment = array("I")
        self.offset = array("I")
        self.stored_length = array("I")
        self.flags = bytearray()
        self.entropy = bytearray()

    def __len__(self) -> int:
        return len(self.block_index)

    def add(
        self, block: int, digest: bytes, ordinal: int, location: tuple[int, int], flags: int, entropy: int
    ) -> None:
        self.block_index.append(block)
        self.digest += digest
        self.segment.append(ordinal)
        self.offset.append(location[0])
        self.stored_length.append(location[1])
        self.flags.append(flags)
        self.entropy.append(entropy)

    def extend(self, other: _RowBuffer) -> None:
        self.block_index.extend(other.block_index)
        self.digest += other.digest
        self.segment.extend(other.segment)
        self.offset.extend(other.offset)
        self.stored_length.extend(other.stored_length)
        self.flags += other.flags
        self.entropy += other.entropy

    def columns(self) -> Iterator[bytes]:
        for column in (self.block_index, self.digest, self.segment, self.offset, self.stored_length):
            yield bytes(column)
        yield bytes(self.flags)
        yield bytes(self.entropy)


class DraftWriter:
    """Collects the rows of one disk from all workers and puts them as parts.

    Every method but `finish` may be called from any thread. Segments are made known by `segment_durable`
    (a writer's own, as they become durable) or `note_segment` (found in the index: durable already).
    """

    def __init__(
        self, store: ObjectStore, prefix: str, key: CheckpointKey, resumed: Checkpoint | None = None
    ) -> None:
        resumed = resumed or Checkpoint()
        self._store = store
        self._prefix = prefix
        self._key = key
        self._lock = threading.Lock()
        self._parts = list(resumed.parts)
        self._next_number = resumed.next_number
        self._row_count = resumed.row_count
        self._ordinals = {numbered.id: numbered.ordinal for numbered in resumed.segments}
        self._durable = {numbered.id: numbered.segment for numbered in resumed.segments}
        self._named = {numbered.ordinal: numbered for numbered in resumed.segments}
        self._ids = {numbered.ordinal: numbered.id for numbered in resumed.segments}
        self._next_ordinal = 1 + max(self._ids, default=-1)
        self._ready = _RowBuffer()
        self._waiting: dict[SegmentId, _RowBuffer] = {}

    def add_zero(self, block: int) -> None:
        """The block is all zero."""
        with self._lock:
            self._ready.add(block, ZERO_DIGEST, NO_SEGMENT, (0, 0), BlockFlags.ZERO, 0)
        self._put_if_many()

    def add_unchanged(self, block: int, digest: bytes) -> None:
        """The block equals the parent's, which may be zero."""
        with self._lock:
            self._ready.add(block, digest, NO_SEGMENT, (0, 0), BlockFlags.UNCHANGED, 0)
        self._put_if_many()

    def add_stored(self, block: int, digest: bytes, location: BlockLocation, entropy: int) -> None:
        """The block's bytes were appended to a segment of this task."""
        self._add_located(block, digest, location, int(location.flags), entropy)

    def add_duplicate(self, block: int, digest: bytes, location: BlockLocation, entropy: int) -> None:
        """The block's bytes are stored already: by this task, or in a segment told to `note_segment`."""
        self._add_located(block, digest, location, location.flags | BlockFlags.DEDUPLICATED, entropy)

    def note_segment(self, segment: Segment) -> None:
        """A segment that is durable and may be named by rows from now on."""
        with self._lock:
            self._durable.setdefault(segment.id, segment)

    def segment_durable(self, segment: Segment) -> None:
        """A segment of this task became durable: put a part with the rows that waited for it.

        Raises:
            RepositoryError: the part could not be written.
        """
        with self._lock:
            self._durable[segment.id] = segment
            waiting = self._waiting.pop(segment.id, None)
            if waiting is not None:
                self._ready.extend(waiting)
        self._put_part()

    def finish(self, statistics: DiskStatistics, transport_mode: str, warnings: tuple[str, ...] = ()) -> str:
        """Complete the draft, after the segment writer has finished; the key of its document.

        Raises:
            DraftError: rows name a segment that never became durable.
            RepositoryError: a write failed; the draft is not complete.
        """
        if self._waiting:
            raise DraftError(f"rows of {self._prefix} name segments that never became durable")
        self._put_part()
        key = draft_key(self._prefix)
        segments = tuple(self._named[ordinal] for ordinal in sorted(self._named))
        draft = DiskDraft(
            FORMAT,
            self._key,
            tuple(self._parts),
            self._row_count,
            segments,
            statistics,
            transport_mode,
            warnings,
        )
        self._store.put_new(key, seal_document(draft))
        return key

    def _add_located(
        self, block: int, digest: bytes, location: BlockLocation, flags: int, entropy: int
    ) -> None:
        with self._lock:
            ordinal = self._ordinal_of(location.segment)
            rows = self._ready
            if location.segment not in self._durable:
                rows = self._waiting.setdefault(location.segment, _RowBuffer())
            rows.add(block, digest, ordinal, (location.offset, location.stored_length), flags, entropy)
        self._put_if_many()

    def _ordinal_of(self, segment: SegmentId) -> int:
        ordinal = self._ordinals.get(segment)
        if ordinal is None:
            ordinal = self._ordinals[segment] = self._next_ordinal
            self._ids[ordinal] = segment
            self._next_ordinal += 1
        return ordinal

    def _put_if_many(self) -> None:
        if len(self._ready) >= ROWS_PER_PART:
            self._put_part()

    def _put_part(self) -> None:
        with self._lock:
            rows, self._ready = self._ready, _RowBuffer()
            if not len(rows):
                return
            number = self._next_number
            self._next_number += 1
            header = self._header_of(rows)
        content = pack_part(header, b"".join(rows.columns()))
        part_key = draft_part_key(self._prefix, number)
        self._store.put_new(part_key, content)
        with self._lock:
            self._parts.append(ObjectReference(part_key, len(content), blake3(content).hexdigest()))
            self._row_count += len(rows)

    def _header_of(self, rows: _RowBuffer) -> PartHeader:
        segments = tuple(self._numbered(ordinal) for ordinal in sorted(set(rows.segment) - {NO_SEGMENT}))
        return PartHeader(self._key, len(rows), min(rows.block_index), max(rows.block_index), segments)

    def _numbered(self, ordinal: int) -> NumberedSegment:
        if ordinal not in self._named:
            segment = self._durable[self._ids[ordinal]]
            self._named[ordinal] = NumberedSegment(ordinal, segment.id, segment.length, segment.digest)
        return self._named[ordinal]

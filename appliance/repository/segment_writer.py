"""Encoded blocks to segments: one writer is shared by all workers of a task."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from appliance.codec import EncodedBlock
from appliance.model.blocks import BlockLocation, Segment
from appliance.model.identifiers import SegmentId
from appliance.repository.segment_format import (
    MOST_BLOCKS,
    SEGMENT_TARGET,
    SegmentEntry,
    pack_entry,
    pack_header,
)
from appliance.repository.segment_publisher import SegmentPublisher, StagingBuffer
from appliance.storage import ObjectStore


@dataclass(slots=True)
class _OpenSegment:
    """The segment that is being filled; `length` counts what was staged, the header included."""

    id: SegmentId
    length: int = 0
    entries: list[bytes] = field(default_factory=list)


class SegmentWriter:
    """Packs blocks into segments of about `target_length` bytes and makes each durable as it fills.

    `append` may be called from any thread. `on_durable` is called on a thread of the writer's own, once
    per segment, after the segment is durable. Leaving the context without `finish` drops the open
    segment. An error of a background thread is raised by the next `append` or by `finish`.
    """

    def __init__(
        self, store: ObjectStore, on_durable: Callable[[Segment], None], target_length: int = SEGMENT_TARGET
    ) -> None:
        self._publisher = SegmentPublisher(store, on_durable)
        self._target_length = target_length
        self._lock = threading.Lock()
        self._open: _OpenSegment | None = None
        self._buffer: StagingBuffer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._publisher.stop()

    def append(self, block: EncodedBlock) -> BlockLocation:
        """Where the block will be; durable when `on_durable` says so. Its content may be reused at once.

        Raises:
            RepositoryFullError: no space left for an earlier block.
            RepositoryError: an earlier block could not be written.
        """
        stored_length = len(block.content)
        with self._lock:
            self._publisher.raise_failure()
            segment = self._segment_with_room(stored_length)
            offset = segment.length
            self._stage(segment, memoryview(block.content))
            entry = SegmentEntry(block.digest, offset, stored_length, block.raw_length, block.flags)
            segment.entries.append(pack_entry(entry))
        return BlockLocation(segment.id, offset, stored_length, block.flags)

    def finish(self) -> None:
        """Seal the open segment and wait until every segment is durable and reported.

        Raises:
            RepositoryError: a segment could not be made durable.
        """
        with self._lock:
            if self._open is not None:
                self._seal(self._open)
        self._publisher.stop()
        self._publisher.raise_failure()

    def _segment_with_room(self, length: int) -> _OpenSegment:
        segment = self._open
        if segment is not None and (
            segment.length + length > self._target_length or len(segment.entries) == MOST_BLOCKS
        ):
            self._seal(segment)
        if self._open is None:
            self._open = _OpenSegment(SegmentId(os.urandom(32).hex()))
            self._stage(self._open, memoryview(pack_header(self._open.id)))
        return self._open

    def _stage(self, segment: _OpenSegment, content: memoryview) -> None:
        segment.length += len(content)
        while content:
            if self._buffer is None:
                self._buffer = self._publisher.take_buffer()
            content = content[self._buffer.fill(content) :]
            if self._buffer.is_full:
                self._flush(segment)

    def _flush(self, segment: _OpenSegment) -> None:
        if self._buffer is not None:
            self._publisher.append(segment.id, self._buffer)
            self._buffer = None

    def _seal(self, segment: _OpenSegment) -> None:
        footer = b"".join(segment.entries)
        self._stage(segment, memoryview(footer))
        self._flush(segment)
        self._publisher.seal(segment.id, len(segment.entries), len(footer))
        self._open = None

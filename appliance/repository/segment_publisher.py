"""The background half of writing segments: staged bytes become durable objects.

One thread hashes full buffers in order and appends them to the object; another one makes finished
segments durable while the next is being filled. At most `MOST_CLOSING` wait for that, and memory is
bounded by the staging buffers: who needs one waits until one is free.
"""

from __future__ import annotations

import mmap
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from blake3 import blake3

from appliance.model.blocks import Segment
from appliance.model.identifiers import SegmentId
from appliance.model.units import MIB
from appliance.repository.layout import segment_key
from appliance.repository.segment_format import TRAILER_LENGTH, SegmentTrailer, pack_trailer
from appliance.storage import NewObject, ObjectStore

STAGING_BUFFER_LENGTH = 2 * MIB
STAGING_BUFFERS = 6
MOST_CLOSING = 2


@dataclass(slots=True)
class StagingBuffer:
    """Page-aligned memory with `length` bytes in it."""

    memory: memoryview
    length: int = 0

    def fill(self, content: memoryview) -> int:
        """Take as much of `content` as there is room for; the number of bytes."""
        count = min(len(content), len(self.memory) - self.length)
        self.memory[self.length : self.length + count] = content[:count]
        self.length += count
        return count

    @property
    def is_full(self) -> bool:
        """Whether there is no room left."""
        return self.length == len(self.memory)


@dataclass(slots=True)
class _GrowingObject:
    """A segment object that is being written; leaving `context` discards it unless it was committed."""

    context: ExitStack
    new_object: NewObject
    hasher: blake3
    length: int = 0

    def append(self, content: memoryview | bytes) -> None:
        self.new_object.append(content)
        self.hasher.update(content)
        self.length += len(content)


class SegmentPublisher:
    """Takes the bytes of one segment after the other, in order; reports each one that became durable.

    Calls come from one thread at a time. `on_durable` is called on a background thread.
    """

    def __init__(self, store: ObjectStore, on_durable: Callable[[Segment], None]) -> None:
        self._store = store
        self._on_durable = on_durable
        self._appender = ThreadPoolExecutor(1, "segment-appender")
        self._closer = ThreadPoolExecutor(1, "segment-closer")
        self._may_close = threading.Semaphore(MOST_CLOSING)
        self._free: queue.SimpleQueue[StagingBuffer] = queue.SimpleQueue()
        for _ in range(STAGING_BUFFERS):
            self._free.put(StagingBuffer(memoryview(mmap.mmap(-1, STAGING_BUFFER_LENGTH))))
        self._growing: _GrowingObject | None = None
        self._failure: BaseException | None = None

    def take_buffer(self) -> StagingBuffer:
        """An empty buffer; waits until one is free."""
        return self._free.get()

    def append(self, segment: SegmentId, buffer: StagingBuffer) -> None:
        """Put what is in `buffer` behind the segment's bytes; the buffer is given back."""
        self._watch(self._appender.submit(self._append, segment, buffer))

    def seal(self, segment: SegmentId, entry_count: int, footer_length: int) -> None:
        """All bytes but the trailer were appended: finish the segment."""
        self._watch(self._appender.submit(self._seal, segment, entry_count, footer_length))

    def raise_failure(self) -> None:
        """Raise what a background thread failed with, if one did."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Wait for what was begun; drop what was not sealed."""
        self._appender.shutdown()
        self._closer.shutdown()
        if self._growing is not None:
            self._growing.context.close()
            self._growing = None

    def _watch(self, future: Future[None]) -> None:
        future.add_done_callback(self._note_failure)

    def _note_failure(self, future: Future[None]) -> None:
        if self._failure is None:
            self._failure = future.exception()

    def _append(self, segment: SegmentId, buffer: StagingBuffer) -> None:
        try:
            if self._failure is None:
                self._growing_object(segment).append(buffer.memory[: buffer.length])
        finally:
            buffer.length = 0
            self._free.put(buffer)

    def _growing_object(self, segment: SegmentId) -> _GrowingObject:
        if self._growing is None:
            context = ExitStack()
            new_object = context.enter_context(self._store.open_new(segment_key(segment)))
            self._growing = _GrowingObject(context, new_object, blake3())
        return self._growing

    def _seal(self, segment: SegmentId, entry_count: int, footer_length: int) -> None:
        if self._failure is not None:
            return
        growing = self._growing_object(segment)
        digest, length = growing.hasher.digest(), growing.length + TRAILER_LENGTH
        growing.append(pack_trailer(SegmentTrailer(entry_count, footer_length, length, digest)))
        self._growing = None
        self._may_close.acquire()
        self._watch(self._closer.submit(self._close, growing, Segment(segment, length, digest.hex())))

    def _close(self, growing: _GrowingObject, segment: Segment) -> None:
        try:
            with growing.context:
                if self._failure is not None:
                    return
                growing.new_object.commit()
            self._on_durable(segment)
        finally:
            self._may_close.release()

"""The handles of one disk, shared by the threads that read it (docs/architecture.md, rule 13)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

logger = logging.getLogger(__name__)


class SharedHandle(Protocol):
    """What a pool asks of a handle."""

    when_host_lacks_memory: Callable[[], None]
    """To be called when the host has refused a call for lack of memory, before it is tried again."""

    def close(self) -> None:
        """Give the host its memory back."""
        ...


Handle = TypeVar("Handle", bound=SharedHandle)


class HandlePool(Generic[Handle]):
    """Threads take a free handle for each read, and wait where there is none.

    A handle that is named several times serves so many threads at once. `halve_on_shortage` is for handles
    that are all different.
    """

    def __init__(self, handles: Sequence[Handle]) -> None:
        self._handles = handles
        self._lock = threading.Lock()
        self._free: SimpleQueue[Handle] = SimpleQueue()
        for handle in handles:
            self._free.put(handle)
        self._open = self._wanted = len(handles)

    def halve_on_shortage(self) -> None:
        """From now on, close half of the handles when the host lacks memory for all it has open.

        A host bounds what all its clients have open together (VDDK guide, "NFC session limits"). One handle
        always stays.
        """
        for handle in self._handles:
            handle.when_host_lacks_memory = self._halve

    @property
    def size(self) -> int:
        """How many threads are served at once."""
        return self._wanted

    @contextmanager
    def handle(self) -> Iterator[Handle]:
        """A handle for this thread alone, while the context is open."""
        handle = self._free.get()
        try:
            yield handle
        finally:
            if self._takes_leave():
                handle.close()
            else:
                self._free.put(handle)

    def _halve(self) -> None:
        """Idle handles go at once, the others as soon as their read has ended."""
        with self._lock:
            if self._open > self._wanted or self._wanted == 1:
                return  # threads notice the same lack together: one halving at a time
            self._wanted //= 2
            logger.warning("disk handles halved to %d: the host lacks memory", self._wanted)
        while self._takes_leave():
            try:
                self._free.get_nowait().close()
            except Empty:
                self._stays()
                return

    def _takes_leave(self) -> bool:
        with self._lock:
            if self._open <= self._wanted:
                return False
            self._open -= 1
            return True

    def _stays(self) -> None:
        with self._lock:
            self._open += 1

"""One handle of VDDK that survives what a retry can heal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final

from appliance.clock import Clock
from appliance.model.units import KIB, MIB
from appliance.transport.watchdog import CallWatchdog
from vddk_bindings import (
    SECTOR_SIZE_BYTES,
    Connection,
    Disk,
    HandleClosedError,
    OutOfMemoryError,
    VddkError,
    VixError,
)

logger = logging.getLogger(__name__)

LONGEST_CALL: Final = 2 * MIB
"""More in one call has no use with NBDSSL (VDDK guide, "Best practices for NBD transport")."""
SHORTEST_CALL: Final = 64 * KIB


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a call is tried, and the pause before the second try; each next one is twice as long."""

    tries: int = 6
    first_pause_seconds: float = 1.0


_Call = Callable[[Disk, int, memoryview], None]


class VddkHandle:
    """One open disk.

    `read` and `write` are for one thread at a time; any number of threads may call `read_queued` at once.
    The library allows either the one kind of transfer or the other on a handle, never both.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        connection: Connection,
        path: str,
        watchdog: CallWatchdog,
        clock: Clock,
        retries: RetryPolicy,
    ) -> None:
        self._connect = connect
        self.connection = connection
        self._path = path
        self._watchdog = watchdog
        self._clock = clock
        self._retries = retries
        self._longest_call = LONGEST_CALL
        self._lock = threading.Lock()
        self._unflushed = False
        self.when_host_lacks_memory: Callable[[], None] = lambda: None
        self._disk: Disk | None = self._opened()

    @property
    def disk(self) -> Disk:
        """The open disk, for everything that is no transfer.

        Raises:
            VixError: it was lost and cannot be opened again.
        """
        return self._open_disk()

    def read(self, offset: int, destination: memoryview) -> None:
        """Fill `destination` from `offset` on, in as many calls as the host has memory for.

        Raises:
            VddkError: no retry helped, or none makes sense.
        """
        self._transfer("read", Disk.read_sectors, offset, destination)

    def read_queued(self, offset: int, destination: memoryview) -> None:
        """As `read`, but the library works on the requests of all threads at the same time.

        Raises:
            VddkError: no retry helped, or none makes sense.
        """
        self._transfer("read", self._queue_read, offset, destination)

    def write(self, offset: int, source: memoryview) -> None:
        """Put `source` at `offset`.

        A handle that has written something is never replaced by a new one: what the old one had not yet
        made durable may be lost with it, and nobody could tell. The task fails and writes everything anew.

        Raises:
            VddkError: no retry helped, or none makes sense.
        """
        self._transfer("write", Disk.write_sectors, offset, source)
        self._unflushed = True

    def flush(self) -> None:
        """Make what was written durable. Never repeated: a new handle knows nothing of the old one's writes.

        Raises:
            VddkError: the library refused.
        """
        with self._watchdog.watching(f"flush of {self._path}"):
            self.disk.flush()
        self._unflushed = False

    def close(self) -> None:
        """Give the host its memory back; the connection stays, and a next call would open anew."""
        self._give_up(self._disk)

    def _queue_read(self, disk: Disk, start_sector: int, destination: memoryview) -> None:
        outcome: SimpleQueue[VixError | None] = SimpleQueue()
        with self._lock:  # queueing is one call at a time on a handle, what was queued is not
            disk.read_sectors_async(start_sector, destination, outcome.put)
        if error := outcome.get():
            raise error

    def _transfer(self, verb: str, call: _Call, offset: int, memory: memoryview) -> None:
        position = 0
        while position < len(memory):
            piece = memory[position : position + self._longest_call]
            if self._tried(verb, call, offset + position, piece):
                position += len(piece)

    def _tried(self, verb: str, call: _Call, offset: int, piece: memoryview) -> bool:
        """Whether the piece went through; False asks for it again in smaller calls."""
        pause = self._retries.first_pause_seconds
        for tries_left in reversed(range(self._retries.tries)):
            disk = None
            try:
                disk = self._open_disk()
                with self._watchdog.watching(f"{verb} of {len(piece)} bytes at {offset} of {self._path}"):
                    call(disk, offset // SECTOR_SIZE_BYTES, piece)
            except (VixError, HandleClosedError) as error:
                same_handle = isinstance(error, OutOfMemoryError)
                if not _may_be_healed(error) or not tries_left or (self._unflushed and not same_handle):
                    raise
                logger.warning("disk call retried: %s", error, extra={"disk": self._path})
                if same_handle:
                    self.when_host_lacks_memory()
                self._clock.sleep(pause)
                pause *= 2
                if self._shortened(error):
                    return False
                if not same_handle:
                    self._give_up(disk)
            else:
                break
        return True

    def _shortened(self, error: VddkError) -> bool:
        """Whether calls are shorter from now on, because the host has no memory for longer ones."""
        if not isinstance(error, OutOfMemoryError) or self._longest_call <= SHORTEST_CALL:
            return False
        self._longest_call //= 2
        return True

    def _give_up(self, broken: Disk | None) -> None:
        """Close what is broken, unless another thread has done so; the next try opens anew.

        Closing waits for what other threads have queued, whose turn to fail and come here is next.
        """
        with self._lock:
            if broken is None or self._disk is not broken:
                return
            with suppress(VddkError), self._watchdog.watching(f"close of {self._path}"):
                broken.close()
            self._disk = None

    def _open_disk(self) -> Disk:
        """The handle; a lost one is opened again, over a new connection where the old one is lost too."""
        with self._lock:
            if self._disk is None:
                try:
                    self._disk = self._opened()
                except VixError:
                    with self._watchdog.watching(f"connection for {self._path}"):
                        self.connection = self._connect()
                    self._disk = self._opened()
            return self._disk

    def _opened(self) -> Disk:
        with self._watchdog.watching(f"open of {self._path}"):
            return self.connection.open_disk(self._path)


def _may_be_healed(error: VddkError) -> bool:
    """Transient ones, and a handle that another thread gave up between our taking and our using it."""
    return error.transient or isinstance(error, HandleClosedError)

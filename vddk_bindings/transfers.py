"""Moving sectors between an open disk and memory that the caller owns."""

import ctypes
from dataclasses import dataclass
from enum import Enum
from typing import Final

from vddk_bindings.asynchronous import (
    CompletionDispatcher,
    CompletionReceiver,
    OutstandingRequests,
    PendingRequest,
)
from vddk_bindings.borrowed_memory import BorrowedMemory, Buffer
from vddk_bindings.constants import SECTOR_SIZE_BYTES, VIX_ASYNC
from vddk_bindings.entry_points import EntryPoints
from vddk_bindings.errors import HandleBusyError, MixedModeError, VddkError
from vddk_bindings.handle_guard import HandleGuard
from vddk_bindings.open_close_thread import OpenCloseThread

_READ: Final = "VixDiskLib_Read"
_WRITE: Final = "VixDiskLib_Write"

# After anything else (Ctrl-C) the library may own the buffer already: it stays borrowed until the callback.
_NOT_QUEUED: Final = (VddkError, ctypes.ArgumentError)


class _InputOutputMode(Enum):
    SYNCHRONOUS = "synchronous"
    ASYNCHRONOUS = "asynchronous"


@dataclass(frozen=True, slots=True)
class LibraryServices:
    """What every handle needs of the library it belongs to."""

    entry_points: EntryPoints
    open_close_thread: OpenCloseThread
    completions: CompletionDispatcher
    generation: int


class SectorTransfers:
    """Reads and writes of one handle; the base of `Disk`, which opens and closes.

    The first transfer decides whether the handle does synchronous or asynchronous I/O for the rest of its
    life.
    """

    def __init__(self, services: LibraryServices, handle: int, path: str) -> None:
        self.path = path
        self._services = services
        self._entry_points = services.entry_points
        self._handle = handle
        self._guard = HandleGuard(path)
        self._mode: _InputOutputMode | None = None
        self._outstanding = OutstandingRequests()
        self._must_wait = False

    def read_sectors(self, start_sector: int, destination: Buffer) -> None:
        """Fill `destination`, a whole number of sectors long, from `start_sector` on; nothing is copied.

        Raises:
            BufferError: `destination` is read-only or not contiguous.
            VixError: the library refused or failed; the content of `destination` is undefined.
        """
        with BorrowedMemory(destination, writable=True) as memory:
            self._transfer(_READ, start_sector, memory.sector_count, memory.address)

    def write_sectors(self, start_sector: int, source: Buffer) -> None:
        """Write `source`, a whole number of sectors long, from `start_sector` on; nothing is copied.

        Raises:
            VixError: the library refused or failed; what the disk holds in that range is undefined.
        """
        with BorrowedMemory(source, writable=False) as memory:
            self._transfer(_WRITE, start_sector, memory.sector_count, memory.address)

    def read_into_address(self, start_sector: int, sector_count: int, address: int) -> None:
        """Fill memory at `address`, which the caller owns and keeps, with `sector_count` sectors.

        For a data mover with buffers of its own: no checks of the memory at all.
        """
        self._transfer(_READ, start_sector, sector_count, address)

    def write_from_address(self, start_sector: int, sector_count: int, address: int) -> None:
        """Write `sector_count` sectors from memory at `address`, which the caller owns and keeps."""
        self._transfer(_WRITE, start_sector, sector_count, address)

    def read_sectors_async(
        self, start_sector: int, destination: Buffer, on_complete: CompletionReceiver
    ) -> None:
        """Queue a read into `destination`, which is held in place until `on_complete` was called.

        Raises:
            VixError: the library did not queue it; `on_complete` will not be called.
            MissingFunctionError: this VDDK has no asynchronous I/O.
        """
        memory = BorrowedMemory(destination, writable=True)
        self._queue("VixDiskLib_ReadAsync", start_sector, memory, on_complete)

    def write_sectors_async(self, start_sector: int, source: Buffer, on_complete: CompletionReceiver) -> None:
        """Queue a write from `source`, which is held in place until `on_complete` was called.

        Raises:
            VixError: the library did not queue it; `on_complete` will not be called.
            MissingFunctionError: this VDDK has no asynchronous I/O.
        """
        memory = BorrowedMemory(source, writable=False)
        self._queue("VixDiskLib_WriteAsync", start_sector, memory, on_complete)

    def wait(self) -> None:
        """Return when every queued request of this handle is completed and its `on_complete` has returned.

        Raises:
            VixError: the library failed to wait; single failures go to `on_complete`.
        """
        with self._guard:
            self._wait_for_queued()

    def flush(self) -> None:
        """Return when everything written through this handle is durable.

        Raises:
            HandleBusyError: requests were queued since the last `wait`.
            MissingFunctionError: VDDK before 6.0.
        """
        with self._guard:
            if self._must_wait:
                raise HandleBusyError(f"requests were queued on {self.path}: wait for them first")
            self._entry_points.check("VixDiskLib_Flush", self._handle)

    def _transfer(self, function: str, start_sector: int, sector_count: int, address: int) -> None:
        with self._guard:
            self._use(_InputOutputMode.SYNCHRONOUS)
            self._entry_points.check(
                function,
                self._handle,
                start_sector,
                sector_count,
                address,
                moved_bytes=sector_count * SECTOR_SIZE_BYTES,
                context=self.path,
            )

    def _queue(
        self, function: str, start_sector: int, memory: BorrowedMemory, on_complete: CompletionReceiver
    ) -> None:
        request = PendingRequest(function, self.path, memory, on_complete, self._outstanding)
        try:
            self._entry_points.function(function)  # one that is missing does not decide the mode
            with self._guard:
                self._use(_InputOutputMode.ASYNCHRONOUS)
                self._start(start_sector, request)
        except _NOT_QUEUED:
            memory.release()
            raise

    def _start(self, start_sector: int, request: PendingRequest) -> None:
        completions = self._services.completions
        number = completions.register(request)
        had_to_wait, self._must_wait = self._must_wait, True
        try:
            self._entry_points.check(
                request.function,
                self._handle,
                start_sector,
                request.memory.sector_count,
                request.memory.address,
                completions.callback,
                number,
                expected=VIX_ASYNC,
                context=self.path,
            )
        except _NOT_QUEUED:
            completions.withdraw(number)
            self._must_wait = had_to_wait
            raise

    def _wait_for_queued(self) -> None:
        # Also when every callback has come: the library may not have counted the last one as done yet.
        if self._must_wait:
            self._entry_points.check("VixDiskLib_Wait", self._handle, context=self.path)
            self._outstanding.wait_for_none()
            self._must_wait = False

    def _use(self, mode: _InputOutputMode) -> None:
        if self._mode is None:
            self._mode = mode
        elif self._mode is not mode:
            raise MixedModeError(f"{self.path} is used for {self._mode.value} I/O, not for {mode.value}")

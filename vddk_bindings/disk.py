"""One open virtual disk."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Final, Self

from vddk_bindings.allocated_blocks import (
    SectorRange,
    check_query,
    merge_ranges,
    plan_queries,
    query_allocated_blocks,
)
from vddk_bindings.asynchronous import CompletionDispatcher, CompletionReceiver, OutstandingRequests
from vddk_bindings.borrowed_memory import BorrowedMemory, Buffer
from vddk_bindings.connect_parameters import encoded
from vddk_bindings.constants import SECTOR_SIZE_BYTES, VIX_ASYNC
from vddk_bindings.disk_information import DiskInformation, read_disk_information
from vddk_bindings.entry_points import EntryPoints
from vddk_bindings.errors import HandleBusyError, InvalidArgumentError, MixedModeError
from vddk_bindings.handle_guard import HandleGuard
from vddk_bindings.metadata import read_metadata, read_metadata_keys
from vddk_bindings.open_close_thread import OpenCloseThread

DEFAULT_CHUNK_SECTORS: Final = 2048
"""Granularity of `iter_allocated`: 1 MiB. The query is slow, and slower with smaller chunks."""

_READ: Final = "VixDiskLib_Read"
_WRITE: Final = "VixDiskLib_Write"


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


class Disk:
    """A disk opened by `Connection.open_disk`; a context manager that closes it.

    Threads: one at a time, any; a second one gets HandleBusyError. More parallelism on one disk = open it
    again. The first transfer decides whether this handle does synchronous or asynchronous I/O for the rest
    of its life.
    """

    def __init__(
        self, services: LibraryServices, handle: int, path: str, on_closed: Callable[["Disk"], None]
    ) -> None:
        self.path = path
        self._services = services
        self._entry_points = services.entry_points
        self._handle = handle
        self._on_closed = on_closed
        self._guard = HandleGuard(path)
        self._mode: _InputOutputMode | None = None
        self._outstanding = OutstandingRequests()

    @property
    def transport_mode(self) -> str:
        """The mode the library chose for this disk: nbd, nbdssl, hotadd, san or file."""
        with self._guard:
            mode: bytes | None = self._entry_points.call("VixDiskLib_GetTransportMode", self._handle)
        return (mode or b"").decode()

    def information(self) -> DiskInformation:
        """Return size, geometry and identity of the disk.

        Raises:
            VixError: the library refused.
        """
        with self._guard:
            return read_disk_information(self._entry_points, self._handle, self._services.generation)

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
            self._drain()

    def flush(self) -> None:
        """Return when everything written through this handle is durable.

        Raises:
            HandleBusyError: queued requests are not completed; call `wait` first.
            MissingFunctionError: VDDK before 6.0.
        """
        with self._guard:
            if self._outstanding.count:
                raise HandleBusyError(
                    f"{self.path} has {self._outstanding.count} queued requests: wait for them first"
                )
            self._entry_points.check("VixDiskLib_Flush", self._handle)

    def query_allocated_blocks(
        self, start_sector: int, sector_count: int, chunk_sectors: int
    ) -> list[SectorRange]:
        """Return which parts of the range have storage, in one call of the library.

        Whole chunks only, at most 524288 of them; what lies between the ranges are holes. The library's call
        runs on the designated thread.

        Raises:
            InvalidArgumentError: the range is not made of whole chunks, or is too long for one call.
            VixError: not supported on this datastore, among others: treat everything as allocated.
        """
        check_query(start_sector, sector_count, chunk_sectors)
        with self._guard:
            return self._services.open_close_thread.run(
                lambda: query_allocated_blocks(
                    self._entry_points, self._handle, start_sector, sector_count, chunk_sectors
                )
            )

    def iter_allocated(self, chunk_sectors: int = DEFAULT_CHUNK_SECTORS) -> Iterator[SectorRange]:
        """Yield the allocated ranges of the whole disk, ascending and merged, in as few calls as possible.

        A last piece shorter than a chunk cannot be asked for and counts as allocated.

        Raises:
            VixError: as `query_allocated_blocks`; what was yielded before is still true.
        """
        return merge_ranges(self._iter_allocated_chunks(chunk_sectors))

    def read_metadata(self, key: str) -> str:
        """Return the value of one metadata key.

        Raises:
            MetadataKeyMissingError: the disk has no such key.
        """
        with self._guard:
            return read_metadata(self._entry_points, self._handle, encoded("key", key))

    def write_metadata(self, key: str, value: str) -> None:
        """Store one metadata pair.

        Never write geometry or uuid keys blindly: the disk may not fit its machine afterwards.
        """
        if "\0" in value:
            raise InvalidArgumentError(f"the value of {key} holds a NUL character")
        with self._guard:
            self._entry_points.check(
                "VixDiskLib_WriteMetadata", self._handle, encoded("key", key), value.encode(), context=key
            )

    def metadata_keys(self) -> list[str]:
        """Return the names of all metadata keys."""
        with self._guard:
            return read_metadata_keys(self._entry_points, self._handle)

    def close(self) -> None:
        """Wait for queued requests and give the handle back; a second time does nothing.

        Raises:
            HandleBusyError: another thread is using the handle.
        """
        if self._guard.closed:
            return
        with self._guard:
            if self._outstanding.count:
                self._drain()
            self._guard.mark_closed()  # also when Close fails: nobody may touch the handle after it
            self._services.open_close_thread.run(self._close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _close(self) -> None:
        self._on_closed(self)
        self._entry_points.check("VixDiskLib_Close", self._handle, context=self.path)

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
        with self._guard:
            self._use(_InputOutputMode.ASYNCHRONOUS)
            completions = self._services.completions
            number = completions.register(function, memory, on_complete, self._outstanding)
            queued = False
            try:
                self._entry_points.check(
                    function,
                    self._handle,
                    start_sector,
                    memory.sector_count,
                    memory.address,
                    completions.callback,
                    number,
                    expected=VIX_ASYNC,
                    context=self.path,
                )
                queued = True
            finally:
                if not queued:
                    completions.withdraw(number)

    def _drain(self) -> None:
        self._entry_points.check("VixDiskLib_Wait", self._handle, context=self.path)
        self._outstanding.wait_for_none()

    def _use(self, mode: _InputOutputMode) -> None:
        if self._mode is None:
            self._mode = mode
        elif self._mode is not mode:
            raise MixedModeError(f"{self.path} is used for {self._mode.value} I/O, not for {mode.value}")

    def _iter_allocated_chunks(self, chunk_sectors: int) -> Iterator[SectorRange]:
        capacity = self.information().capacity_sectors
        queries = plan_queries(capacity, chunk_sectors)
        for query in queries:
            yield from self.query_allocated_blocks(query.start_sector, query.sector_count, chunk_sectors)
        if tail := capacity % chunk_sectors:
            yield SectorRange(capacity - tail, tail)

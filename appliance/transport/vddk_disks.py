"""Disks of vSphere, read and written through VDDK."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from appliance.clock import Clock
from appliance.model.disk_tasks import VddkAccess
from appliance.model.extents import Extent
from appliance.model.units import SECTOR_SIZE
from appliance.transport.allocation import chunk_sectors_for, extents_of_query
from appliance.transport.errors import CapacityMismatchError
from appliance.transport.handle_pool import HandlePool
from appliance.transport.vddk_errors import translated
from appliance.transport.vddk_handle import RetryPolicy, VddkHandle
from appliance.transport.vddk_library import connect_parameters
from appliance.transport.watchdog import CallWatchdog
from vddk_bindings import Connection, Library, VddkError, VixError

logger = logging.getLogger(__name__)

_ONE_HANDLE_MODES: Final = frozenset({"hotadd", "san"})
"""The disk is attached once or read from a LUN: more handles bring nothing but locks, so requests of all
threads are queued on one."""
_PROBE_SECTORS: Final = 128


class VddkTransport:
    """Opens disks of one machine and snapshot through a running VDDK.

    Every connection made for a disk is closed with that disk.
    """

    def __init__(
        self,
        library: Library,
        access: VddkAccess,
        watchdog: CallWatchdog,
        clock: Clock,
        retries: RetryPolicy | None = None,
    ) -> None:
        self._library = library
        self._access = access
        self._watchdog = watchdog
        self._clock = clock
        self._retries = retries or RetryPolicy()

    @contextmanager
    def open_reader(self, path: str, capacity: int, handles: int) -> Iterator[VddkReader]:
        """The disk for reading, through up to `handles` handles: fewer where the host has no room for more.

        Raises:
            CapacityMismatchError: VDDK sees another size than `capacity`.
            DiskTransportError: the disk cannot be opened.
        """
        with self._connections(read_only=True) as connect:
            with translated(path):
                first = self._first_handle(connect, path)
                queued = first.disk.transport_mode in _ONE_HANDLE_MODES
            _check_capacity(first, path, capacity)
            if queued:
                yield VddkReader(path, first, HandlePool([first] * handles), VddkHandle.read_queued)
                return
            pool = HandlePool([first, *self._more_handles(connect, first, path, handles - 1)])
            pool.halve_on_shortage()
            yield VddkReader(path, first, pool, VddkHandle.read)

    @contextmanager
    def open_writer(self, path: str, capacity: int) -> Iterator[VddkWriter]:
        """The disk for writing, through one handle: a second one would find it locked.

        Raises:
            CapacityMismatchError: VDDK sees another size than `capacity`.
            DiskTransportError: the disk cannot be opened.
        """
        with self._connections(read_only=False) as connect:
            with translated(path):
                handle = self._first_handle(connect, path)
            _check_capacity(handle, path, capacity)
            yield VddkWriter(path, handle)

    @contextmanager
    def _connections(self, *, read_only: bool) -> Iterator[Callable[[], Connection]]:
        made: list[Connection] = []

        def connect() -> Connection:
            with self._watchdog.watching(f"log-in to {self._access.server}"):
                connection = self._library.connect(
                    connect_parameters(self._access),
                    snapshot=self._access.snapshot,
                    read_only=read_only,
                    transport_modes=tuple(self._access.transport_modes.split(":")),
                )
            made.append(connection)
            return connection

        try:
            yield connect
        finally:
            for connection in made:
                self._close(connection)

    def _close(self, connection: Connection) -> None:
        try:
            with self._watchdog.watching(f"log-out from {self._access.server}"):
                connection.close()
        except VddkError as error:  # must not hide what went wrong before; nothing is lost by it
            logger.warning("disk not closed: %s", error)

    def _handle(self, connect: Callable[[], Connection], connection: Connection, path: str) -> VddkHandle:
        return VddkHandle(connect, connection, path, self._watchdog, self._clock, self._retries)

    def _first_handle(self, connect: Callable[[], Connection], path: str) -> VddkHandle:
        """One handle there must be: a snapshot was made for it, so a busy host is asked again."""
        pause = self._retries.first_pause_seconds
        for _ in range(self._retries.tries - 1):
            try:
                return self._handle(connect, connect(), path)
            except VixError as error:
                if not error.transient:
                    raise
                logger.warning("disk not opened yet: %s", error)
                self._clock.sleep(pause)
                pause *= 2
        return self._handle(connect, connect(), path)

    def _more_handles(
        self, connect: Callable[[], Connection], first: VddkHandle, path: str, wanted: int
    ) -> list[VddkHandle]:
        """As many more as can be had: somebody else's use of the host's memory is no reason to wait."""
        handles: list[VddkHandle] = []
        for _ in range(wanted):
            try:
                handles.append(self._handle(connect, first.connection, path))
            except VixError as error:
                if not error.transient:
                    with translated(path):
                        raise
                logger.warning("disk opened with fewer handles: %s", error)
                break
        return handles


class VddkReader:
    """Implements `DiskReader`: threads take a handle for each read and wait where none is free."""

    def __init__(
        self,
        path: str,
        first: VddkHandle,
        pool: HandlePool[VddkHandle],
        read: Callable[[VddkHandle, int, memoryview], None],
    ) -> None:
        self._path = path
        self._pool = pool
        self._read = read
        self.capacity: Final = first.disk.information().capacity
        self.transport_mode: Final = first.disk.transport_mode

    @property
    def parallelism(self) -> int:
        """See `DiskReader.parallelism`."""
        return self._pool.size

    def read_into(self, offset: int, destination: memoryview) -> None:
        """See `DiskReader.read_into`."""
        with translated(self._path), self._pool.handle() as handle:
            self._read(handle, offset, destination)

    def iter_allocated(self) -> Iterator[Extent]:
        """See `DiskReader.iter_allocated`.

        Not every datastore can answer and some answer wrongly at first, so the smallest query is made as a
        probe, and whatever fails makes the whole disk one range.
        """
        chunk_sectors = chunk_sectors_for(self.capacity)
        try:
            with self._pool.handle() as handle:
                handle.disk.query_allocated_blocks(0, _PROBE_SECTORS, _PROBE_SECTORS)
                ranges = list(handle.disk.iter_allocated(chunk_sectors))
            sectors = [(found.start_sector, found.sector_count) for found in ranges]
            extents = extents_of_query(sectors, self.capacity)
        except (VddkError, ValueError) as error:
            logger.info("allocation unknown, whole disk is read: %s", error)
            extents = [Extent(0, self.capacity)]
        yield from extents


class VddkWriter:
    """Implements `DiskWriter`; threads take turns."""

    def __init__(self, path: str, handle: VddkHandle) -> None:
        self._path = path
        self._handle = handle
        self._lock = threading.Lock()
        self.capacity: Final = handle.disk.information().capacity
        self.transport_mode: Final = handle.disk.transport_mode

    def write(self, offset: int, source: memoryview) -> None:
        """See `DiskWriter.write`."""
        with translated(self._path), self._lock:
            self._handle.write(offset, source)

    def flush(self) -> None:
        """See `DiskWriter.flush`."""
        with translated(self._path), self._lock:
            self._handle.flush()

    def read_into(self, offset: int, destination: memoryview) -> None:
        """See `DiskWriter.read_into`."""
        with translated(self._path), self._lock:
            self._handle.read(offset, destination)


def _check_capacity(handle: VddkHandle, path: str, capacity: int) -> None:
    with translated(path):
        seen = handle.disk.information().capacity_sectors * SECTOR_SIZE
    if seen != capacity:
        raise CapacityMismatchError(f"{path} has {capacity} bytes for vCenter but {seen} bytes for VDDK")

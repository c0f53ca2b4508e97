"""One open virtual disk."""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Self

from vddk_bindings.allocated_blocks import (
    SectorRange,
    check_query,
    merge_ranges,
    plan_queries,
    query_allocated_blocks,
)
from vddk_bindings.connect_parameters import encoded
from vddk_bindings.disk_information import DiskInformation, read_disk_information
from vddk_bindings.errors import InvalidArgumentError
from vddk_bindings.metadata import read_metadata, read_metadata_keys
from vddk_bindings.transfers import LibraryServices, SectorTransfers

DEFAULT_CHUNK_SECTORS: Final = 2048
"""Granularity of `iter_allocated`: 1 MiB. The query is slow, and slower with smaller chunks."""


class Disk(SectorTransfers):
    """A disk opened by `Connection.open_disk`; a context manager that closes it.

    Threads: one at a time, any; a second one gets HandleBusyError. More parallelism on one disk = open it
    again. The first transfer decides whether this handle does synchronous or asynchronous I/O for the rest
    of its life.
    """

    def __init__(
        self, services: LibraryServices, handle: int, path: str, on_closed: Callable[["Disk"], None]
    ) -> None:
        super().__init__(services, handle, path)
        self._on_closed = on_closed

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
            VixError: the library failed. The handle is lost then, and its connection stays open with it until
                the process ends: to close again, or to disconnect beneath an open disk, could crash.
        """
        if self._guard.closed:
            return
        with self._guard:
            self._wait_for_queued()
            self._guard.mark_closed()  # also when Close fails: nobody may touch the handle after it
            self._services.open_close_thread.run(self._close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _close(self) -> None:
        self._entry_points.check("VixDiskLib_Close", self._handle, context=self.path)
        self._on_closed(self)

    def _iter_allocated_chunks(self, chunk_sectors: int) -> Iterator[SectorRange]:
        capacity = self.information().capacity_sectors
        queries = plan_queries(capacity, chunk_sectors)
        for query in queries:
            yield from self.query_allocated_blocks(query.start_sector, query.sector_count, chunk_sectors)
        if tail := capacity % chunk_sectors:
            yield SectorRange(capacity - tail, tail)

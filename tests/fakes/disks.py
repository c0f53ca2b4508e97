"""Disks in memory, and disks that fail on schedule; they pass the transport contract."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from appliance.model.extents import Extent
from appliance.model.units import KIB
from appliance.transport import DiskReader, HostUnavailableError, RefusedByVddkError

ALLOCATION_UNIT = 64 * KIB


class MemoryDisk:
    """A disk as a bytearray: `DiskReader` and `DiskWriter` in one."""

    def __init__(self, content: bytes | bytearray, parallelism: int = 4) -> None:
        self.content = bytearray(content)
        self.parallelism = parallelism
        self.transport_mode = "memory"
        self.flushes = 0

    @property
    def capacity(self) -> int:
        return len(self.content)

    def read_into(self, offset: int, destination: memoryview) -> None:
        self._check(offset, len(destination))
        destination[:] = self.content[offset : offset + len(destination)]

    def write(self, offset: int, source: memoryview) -> None:
        self._check(offset, len(source))
        self.content[offset : offset + len(source)] = source

    def flush(self) -> None:
        self.flushes += 1

    def iter_allocated(self) -> Iterator[Extent]:
        for offset in range(0, self.capacity, ALLOCATION_UNIT):
            length = min(ALLOCATION_UNIT, self.capacity - offset)
            if any(self.content[offset : offset + length]):
                yield Extent(offset, length)

    def _check(self, offset: int, length: int) -> None:
        if offset + length > self.capacity:
            raise RefusedByVddkError(f"bytes {offset} to {offset + length} of a disk of {self.capacity}")


class FaultyDiskReader:
    """Wraps a reader; letter n of `script` says how read n goes: `R` right, `E` error; then all go right."""

    def __init__(self, reader: DiskReader, script: str) -> None:
        self._reader = reader
        self._script = iter(script)
        self._lock = threading.Lock()

    @property
    def capacity(self) -> int:
        return self._reader.capacity

    @property
    def transport_mode(self) -> str:
        return self._reader.transport_mode

    @property
    def parallelism(self) -> int:
        return self._reader.parallelism

    def read_into(self, offset: int, destination: memoryview) -> None:
        with self._lock:
            step = next(self._script, "R")
        if step == "E":
            raise HostUnavailableError(f"the script lets the read at {offset} fail")
        self._reader.read_into(offset, destination)

    def iter_allocated(self) -> Iterator[Extent]:
        return self._reader.iter_allocated()

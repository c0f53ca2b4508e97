"""A disk as a stream-optimised VMDK: what OVF packages hold and vSphere imports.

zlib is one of the libraries that VDDK brings its own of: nothing that runs beside VDDK imports this module.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from appliance.data_path import stream_vmdk_format as vmdk
from appliance.data_path.buffers import is_zero
from appliance.data_path.errors import OutputTooLargeError
from appliance.data_path.new_file import NewFile
from appliance.model.units import SECTOR_SIZE

_COMPRESSION_LEVEL: Final = 1
_FILE_NAME: Final = "disk.vmdk"
"""What the descriptor calls the file. Nobody looks for it there, and the real name may need quoting."""
_ENTRY: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class EncodedGrain:
    """One grain, ready to be appended; `number` counts grains from the disk's start."""

    number: int
    content: bytes


def encode_grains(offset: int, content: memoryview) -> list[EncodedGrain]:
    """The grains of a block at `offset` of the disk that are not all zero. Any thread may call it."""
    grains = []
    for start in range(0, len(content), vmdk.GRAIN):
        piece = content[start : start + vmdk.GRAIN]
        if is_zero(piece):
            continue
        # A grain is always whole in the file, also the one that reaches past the disk's end.
        raw = piece if len(piece) == vmdk.GRAIN else bytes(piece).ljust(vmdk.GRAIN, b"\0")
        position = offset + start
        compressed = zlib.compress(raw, _COMPRESSION_LEVEL)
        grains.append(EncodedGrain(position // vmdk.GRAIN, vmdk.grain(position // SECTOR_SIZE, compressed)))
    return grains


class StreamVmdkTarget:
    """Appends grains in ascending order; one thread at a time.

    Memory: one grain table, and four bytes of directory for each 32 MiB of disk.
    """

    def __init__(self, file: NewFile, capacity: int) -> None:
        self._file = file
        self._capacity_sectors = capacity // SECTOR_SIZE
        self._directory = [0] * -(-capacity // (vmdk.GRAIN * vmdk.GRAINS_PER_TABLE))
        self._table = [0] * vmdk.GRAINS_PER_TABLE
        self._table_number = 0
        self._position = vmdk.OVERHEAD_SECTORS * SECTOR_SIZE

    def append(self, grains: list[EncodedGrain]) -> None:
        """Put `grains` behind everything before.

        Raises:
            OutputTooLargeError: the file passes what its tables can address.
            OutputFullError: no space is left.
        """
        for grain in grains:
            table_number, entry = divmod(grain.number, vmdk.GRAINS_PER_TABLE)
            if table_number != self._table_number:
                self._close_table()
                self._table_number = table_number
            self._table[entry] = self._sector()
            self._write(grain.content)

    def finish(self) -> None:
        """Write the tables, the footer and the head, and publish the file."""
        self._close_table()
        directory = vmdk.padded(b"".join(map(_ENTRY.pack, self._directory)))
        self._write(vmdk.marker(vmdk.Marker.GRAIN_DIRECTORY, len(directory) // SECTOR_SIZE))
        directory_start = self._sector()
        self._write(directory)
        self._write(vmdk.marker(vmdk.Marker.FOOTER, 1))
        self._write(vmdk.header(self._capacity_sectors, directory_start))
        self._write(vmdk.marker(vmdk.Marker.END_OF_STREAM, 0))
        content_id = int.from_bytes(os.urandom(4), "little")
        head = vmdk.header(self._capacity_sectors, vmdk.DIRECTORY_AT_END)
        head += vmdk.descriptor(self._capacity_sectors, _FILE_NAME, content_id)
        self._file.write(0, head)
        self._file.publish()

    def _close_table(self) -> None:
        if any(self._table):
            table = b"".join(map(_ENTRY.pack, self._table))
            self._write(vmdk.marker(vmdk.Marker.GRAIN_TABLE, len(table) // SECTOR_SIZE))
            self._directory[self._table_number] = self._sector()
            self._write(table)
        self._table = [0] * vmdk.GRAINS_PER_TABLE

    def _sector(self) -> int:
        sector = self._position // SECTOR_SIZE
        if sector > vmdk.LARGEST_SECTOR:
            raise OutputTooLargeError(f"{self._file.target} would be larger than a VMDK of this kind can be")
        return sector

    def _write(self, content: bytes) -> None:
        self._file.write(self._position, content)
        self._position += len(content)

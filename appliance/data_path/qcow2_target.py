"""A disk as a qcow2 image, version 3, 64 KiB clusters, not compressed.

Source: QEMU, docs/interop/qcow2.txt. Layout, chosen so that memory does not grow with the disk:

    header | L1 table | all L2 tables (sparse) | clusters in the order of arrival | refcount table | refcounts

Every cluster of the file is in use exactly once, so the reference counts are one pattern, written last.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from typing import Final

from appliance.data_path.new_file import NewFile
from appliance.model.units import KIB

CLUSTER_BITS: Final = 16
CLUSTER: Final = 64 * KIB
_ENTRY: Final = 8
_ENTRIES_PER_TABLE: Final = CLUSTER // _ENTRY
_REFCOUNTS_PER_BLOCK: Final = CLUSTER // 2
"""16-bit reference counts: refcount_order 4, the only one that version 2 knew and everybody reads."""
_COPIED: Final = 1 << 63
"""Set where the reference count is exactly one (heading "L1 and L2 table entries")."""
_HEADER: Final = struct.Struct(">4sIQIIQIIQQIIQQQQII")
_MAGIC: Final = b"QFI\xfb"
_VERSION: Final = 3
_REFCOUNT_ORDER: Final = 4


@dataclass(frozen=True, slots=True)
class Qcow2Layout:
    """Where the tables of an image of `capacity` bytes lie, all in clusters. Pure."""

    capacity: int

    @property
    def l2_tables(self) -> int:
        """One for each 512 MiB of disk."""
        return max(1, _divided_up(self.capacity, CLUSTER * _ENTRIES_PER_TABLE))

    @property
    def l1_clusters(self) -> int:
        """How many clusters the L1 table takes, behind the header's one."""
        return _divided_up(self.l2_tables, _ENTRIES_PER_TABLE)

    @property
    def first_l2_cluster(self) -> int:
        """Where the L2 tables begin."""
        return 1 + self.l1_clusters

    @property
    def first_data_cluster(self) -> int:
        """Where clusters of the disk begin."""
        return self.first_l2_cluster + self.l2_tables


def refcount_clusters(used: int) -> tuple[int, int]:
    """How many clusters the refcount table and the refcount blocks take in a file with `used` others.

    They count themselves, so the answer is the first one that covers its own growth. Pure.
    """
    blocks = table = 1
    while True:
        total = used + blocks + table
        needed = _divided_up(total, _REFCOUNTS_PER_BLOCK), _divided_up(blocks, _ENTRIES_PER_TABLE)
        if needed == (blocks, table):
            return table, blocks
        blocks, table = max(blocks, needed[0]), max(table, needed[1])


class Qcow2Target:
    """Implements `BlockTarget`; blocks may come in any order, each once."""

    def __init__(self, file: NewFile, capacity: int) -> None:
        self._file = file
        self._layout = Qcow2Layout(capacity)
        self._lock = threading.Lock()
        self._next_cluster = self._layout.first_data_cluster

    def write_blocks(self, offset: int, content: memoryview) -> None:
        """See `BlockTarget.write_blocks`."""
        count = _divided_up(len(content), CLUSTER)
        with self._lock:
            first = self._next_cluster
            self._next_cluster += count
        whole = len(content) // CLUSTER * CLUSTER
        self._file.write_aligned(first * CLUSTER, content[:whole])
        if whole < len(content):
            padding = bytes(CLUSTER - (len(content) - whole))
            self._file.write(first * CLUSTER + whole, bytes(content[whole:]) + padding)
        entries = ((first + number) * CLUSTER | _COPIED for number in range(count))
        position = self._layout.first_l2_cluster * CLUSTER + offset // CLUSTER * _ENTRY
        self._file.write(position, struct.pack(f">{count}Q", *entries))

    def finish(self) -> None:
        """See `BlockTarget.finish`."""
        table_start = self._next_cluster
        table, blocks = refcount_clusters(table_start)
        self._file.resize((table_start + table + blocks) * CLUSTER)
        self._write_l1_table()
        self._write_refcounts(table_start, table, blocks)
        self._file.write(0, self._header(table_start, table))
        self._file.publish()

    def _write_l1_table(self) -> None:
        tables = range(self._layout.first_l2_cluster, self._layout.first_data_cluster)
        self._file.write(CLUSTER, b"".join(struct.pack(">Q", table * CLUSTER | _COPIED) for table in tables))

    def _write_refcounts(self, table_start: int, table: int, blocks: int) -> None:
        first_block = table_start + table
        pointers = b"".join(struct.pack(">Q", (first_block + number) * CLUSTER) for number in range(blocks))
        self._file.write(table_start * CLUSTER, pointers)
        total = first_block + blocks
        one_block = struct.pack(">H", 1) * _REFCOUNTS_PER_BLOCK
        for number in range(blocks):
            covered = min(_REFCOUNTS_PER_BLOCK, total - number * _REFCOUNTS_PER_BLOCK)
            self._file.write((first_block + number) * CLUSTER, one_block[: covered * 2])

    def _header(self, table_start: int, table: int) -> bytes:
        return _HEADER.pack(
            _MAGIC,
            _VERSION,
            0,  # no backing file: offset
            0,  # and length of its name
            CLUSTER_BITS,
            self._layout.capacity,
            0,  # not encrypted
            self._layout.l2_tables,
            CLUSTER,
            table_start * CLUSTER,
            table,
            0,  # no internal snapshots: number
            0,  # and offset of their table
            0,  # no incompatible features,
            0,  # no compatible ones,
            0,  # none that clear themselves
            _REFCOUNT_ORDER,
            _HEADER.size,
        )


def _divided_up(number: int, divisor: int) -> int:
    return -(-number // divisor)

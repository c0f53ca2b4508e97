"""A block map that is there: proven whole before its first row is believed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3

from appliance.catalog.errors import DamagedMapError
from appliance.catalog.schema import METADATA_KEY, SCHEMA, MapMetadata
from appliance.model.blocks import Segment
from appliance.model.documents import from_json
from appliance.model.recovery_points import BlockMapReference
from appliance.model.units import MIB
from appliance.storage import ObjectMissingError, ObjectStore

_HASHED_AT_ONCE = 4 * MIB


@dataclass(frozen=True, slots=True)
class _RowGroup:
    """Where a row group's blocks lie: [first, last]."""

    number: int
    first: int
    last: int


class _ObjectFile(io.RawIOBase):
    """An object of the store as a file that can be read and sought in."""

    def __init__(self, store: ObjectStore, key: str, length: int) -> None:
        super().__init__()
        self._store = store
        self._key = key
        self._length = length
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, destination: memoryview) -> int:  # type: ignore[override]  # Arrow passes memory
        count = self._store.read_into(self._key, self._position, memoryview(destination).cast("B"))
        self._position += count
        return count


class BlockMap:
    """The rows of one block map, read by range; made by `open_block_map`."""

    def __init__(self, reference: BlockMapReference, file: pq.ParquetFile, metadata: MapMetadata) -> None:
        self.reference = reference
        self.metadata = metadata
        self.segments = tuple(Segment(*described) for described in metadata.segments)
        self._file = file
        self._row_groups = tuple(_row_groups(file))

    def __len__(self) -> int:
        return self.reference.row_count

    def rows(self, first: int, stop: int) -> pa.Table:
        """The rows of blocks [first, stop), ascending; `segment` counts into this map's `segments`."""
        numbers = [group.number for group in self._row_groups if group.first < stop and group.last >= first]
        if not numbers:
            return SCHEMA.empty_table()
        table = self._file.read_row_groups(numbers, use_threads=False)
        index = table["block_index"]
        return table.filter(
            pc.and_(
                pc.greater_equal(index, pa.scalar(first, pa.uint64())),
                pc.less(index, pa.scalar(stop, pa.uint64())),
            )
        )

    def iter_row_groups(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Some columns of all rows, one row group at a time."""
        for group in self._row_groups:
            yield self._file.read_row_group(group.number, columns=list(columns), use_threads=False)


def open_block_map(store: ObjectStore, reference: BlockMapReference, place: str) -> BlockMap:
    """The map that a manifest names, after its length, digest and row count were found right.

    `place` says in an error whose map this is: machine, disk, point.

    Raises:
        DamagedMapError: it is missing or is not what was written.
    """
    _verify_bytes(store, reference, place)
    source = _ObjectFile(store, reference.object.key, reference.object.length)
    try:
        file = pq.ParquetFile(pa.PythonFile(source, mode="r"), read_dictionary=["origin"])
        metadata = from_json(MapMetadata, file.metadata.metadata[METADATA_KEY])
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise DamagedMapError(f"the block map of {place} cannot be read: {error}") from error
    _verify_description(file, metadata, reference, place)
    return BlockMap(reference, file, metadata)


def _verify_bytes(store: ObjectStore, reference: BlockMapReference, place: str) -> None:
    hasher, position = blake3(), 0
    buffer = memoryview(bytearray(min(_HASHED_AT_ONCE, reference.object.length + 1)))
    try:
        while count := store.read_into(reference.object.key, position, buffer):
            hasher.update(buffer[:count])
            position += count
    except ObjectMissingError as error:
        raise DamagedMapError(f"the block map of {place} is missing: {reference.object.key}") from error
    if position != reference.object.length:
        message = f"the block map of {place} has {position} bytes instead of {reference.object.length}"
        raise DamagedMapError(f"{message}: {reference.object.key}")
    if hasher.hexdigest() != reference.object.digest:
        raise DamagedMapError(f"the block map of {place} is not what was written: {reference.object.key}")


def _verify_description(
    file: pq.ParquetFile, metadata: MapMetadata, reference: BlockMapReference, place: str
) -> None:
    if file.metadata.num_rows != reference.row_count:
        message = f"the block map of {place} has {file.metadata.num_rows} rows"
        raise DamagedMapError(f"{message} instead of {reference.row_count}: {reference.object.key}")
    if (metadata.kind, metadata.point) != (reference.kind, reference.point):
        message = f"the block map of {place} says it is the {metadata.kind} map of {metadata.point}"
        raise DamagedMapError(f"{message}: {reference.object.key}")
    if not file.schema_arrow.equals(SCHEMA):
        raise DamagedMapError(f"the block map of {place} has other columns: {reference.object.key}")


def _row_groups(file: pq.ParquetFile) -> Iterator[_RowGroup]:
    for number in range(file.metadata.num_row_groups):
        statistics = file.metadata.row_group(number).column(0).statistics
        yield _RowGroup(number, statistics.min, statistics.max)

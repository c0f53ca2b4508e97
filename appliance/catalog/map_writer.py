"""Rows to a new block map object."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from appliance.catalog.schema import (
    METADATA_KEY,
    ROW_GROUP_ROWS,
    SCHEMA,
    WRITER_OPTIONS,
    MapHeader,
    MapMetadata,
)
from appliance.catalog.segment_table import NamedSegments, SegmentTable
from appliance.model.blocks import Segment
from appliance.model.documents import to_json
from appliance.model.recovery_points import BlockMapReference, ObjectReference
from appliance.storage import NewObject, ObjectStore


@dataclass(frozen=True, slots=True)
class WrittenMap:
    """A durable map and the segments its rows name."""

    reference: BlockMapReference
    segments: tuple[Segment, ...]


class _Sink(io.RawIOBase):
    """Where Parquet's bytes go: the new object, a hash and a count; or nowhere once given up."""

    def __init__(self, new_object: NewObject) -> None:
        super().__init__()
        self._new_object: NewObject | None = new_object
        self.hasher = blake3()
        self.length = 0

    def writable(self) -> bool:
        return True

    def give_up(self) -> None:
        """Swallow what Arrow still writes while it closes after an error."""
        self._new_object = None

    def write(self, content: memoryview) -> int:  # type: ignore[override]  # Arrow passes memory
        view = memoryview(content).cast("B")
        if self._new_object is not None:
            self._new_object.append(view)
            self.hasher.update(view)
            self.length += len(view)
        return len(view)


class BlockMapWriter:
    """Takes rows in ascending order of their blocks, each block once; made by `open_map_writer`."""

    def __init__(self, new_object: NewObject, key: str, header: MapHeader, segments: SegmentTable) -> None:
        self._new_object = new_object
        self._key = key
        self._header = header
        self._named = NamedSegments(segments)
        self._sink = _Sink(new_object)
        self._parquet = pq.ParquetWriter(pa.PythonFile(self._sink, mode="w"), SCHEMA, **WRITER_OPTIONS)
        self._pending = SCHEMA.empty_table()
        self._row_count = 0

    def write(self, rows: pa.Table) -> None:
        """Append rows; their `segment` counts into the writer's segment table."""
        position = SCHEMA.get_field_index("segment")
        renumbered = rows.set_column(position, SCHEMA.field("segment"), self._named.renumber(rows["segment"]))
        self._pending = pa.concat_tables([self._pending, renumbered.cast(SCHEMA)])
        self._row_count += rows.num_rows
        while self._pending.num_rows >= ROW_GROUP_ROWS:
            self._parquet.write_table(self._pending.slice(0, ROW_GROUP_ROWS))
            self._pending = self._pending.slice(ROW_GROUP_ROWS)

    def finish(self) -> WrittenMap:
        """Make the map durable and visible under its key.

        Raises:
            RepositoryError: it could not be written; nothing is visible.
        """
        if self._pending.num_rows:
            self._parquet.write_table(self._pending)
        segments = self._named.segments
        self._parquet.add_key_value_metadata({METADATA_KEY.decode(): self._metadata(segments)})
        self._parquet.close()
        self._new_object.commit()
        digest = self._sink.hasher.hexdigest()
        reference = BlockMapReference(
            self._header.kind,
            ObjectReference(self._key, self._sink.length, digest),
            self._row_count,
            self._header.point,
        )
        return WrittenMap(reference, segments)

    def give_up(self) -> None:
        """Let go of Parquet's writer without a trace in the store."""
        self._sink.give_up()
        self._parquet.close()

    def _metadata(self, segments: tuple[Segment, ...]) -> str:
        header = self._header
        listed = tuple((segment.id, segment.length, segment.digest) for segment in segments)
        metadata = MapMetadata(
            header.format,
            header.kind,
            header.machine,
            header.disk,
            header.point,
            header.block_size,
            header.capacity,
            listed,
        )
        return to_json(metadata).decode()


@contextmanager
def open_map_writer(
    store: ObjectStore, key: str, header: MapHeader, segments: SegmentTable
) -> Iterator[BlockMapWriter]:
    """Begin a new map; leaving the context without `finish` leaves nothing behind."""
    with store.open_new(key) as new_object:
        writer = BlockMapWriter(new_object, key, header, segments)
        try:
            yield writer
        finally:
            # Arrow closes what it was left with by itself and would write a readable, truncated file.
            writer.give_up()

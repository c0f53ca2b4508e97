"""Rows of a draft as rows of a block map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from appliance.catalog.columns import column_of
from appliance.catalog.overlay import sort_by_block
from appliance.catalog.schema import SCHEMA
from appliance.catalog.segment_table import SegmentTable
from appliance.model.block_columns import NO_SEGMENT, BlockColumns
from appliance.model.blocks import DIGEST_SIZE, STORED_FLAGS, BlockFlags, Segment
from appliance.model.identifiers import RunId


class DraftPartSource(Protocol):
    """One part of a draft: what its rows lie between, and the rows when they are wanted."""

    @property
    def lowest(self) -> int:
        """The first block that has a row."""
        ...

    @property
    def highest(self) -> int:
        """The last block that has a row."""
        ...

    @property
    def named(self) -> Mapping[int, Segment]:
        """The segments that rows name, by their ordinal."""
        ...

    def read(self) -> BlockColumns:
        """The rows, in no particular order."""
        ...


class DraftRows:
    """What a draft says that its parent does not, by ranges of blocks; `segment` counts into `segments`."""

    def __init__(self, parts: Sequence[DraftPartSource], segments: SegmentTable, origin: RunId) -> None:
        self.segments = segments
        self._parts = parts
        self._origin = origin

    def rows(self, first: int, stop: int) -> pa.Table:
        """The new rows of blocks [first, stop), ascending, each block once.

        Raises:
            ValueError: two rows are about one block, or a row names a segment that its part does not.
        """
        tables = [
            _within(draft_table(part.read(), part.named, self.segments, self._origin), first, stop)
            for part in self._parts
            if part.lowest < stop and part.highest >= first
        ]
        rows = sort_by_block(pa.concat_tables([SCHEMA.empty_table(), *tables]))
        if len(rows["block_index"].unique()) != rows.num_rows:
            raise ValueError("two rows are about one block")
        return rows


def _within(rows: pa.Table, first: int, stop: int) -> pa.Table:
    index = rows["block_index"]
    at_least, below = pa.scalar(first, pa.uint64()), pa.scalar(stop, pa.uint64())
    return rows.filter(pc.and_(pc.greater_equal(index, at_least), pc.less(index, below)))


def draft_table(
    columns: BlockColumns, named: Mapping[int, Segment], segments: SegmentTable, origin: RunId
) -> pa.Table:
    """The rows that say something new: unchanged blocks are left out; `segment` counts into `segments`.

    Raises:
        ValueError: a row names an ordinal that `named` does not know.
    """
    count = columns.row_count
    flags = column_of(pa.uint8(), columns.flags, count)
    segment = column_of(pa.uint32(), columns.segment, count)
    table = pa.Table.from_arrays(
        [
            column_of(pa.uint64(), columns.block_index, count),
            column_of(pa.binary(DIGEST_SIZE), columns.digest, count),
            _translate(segment, named, segments),
            column_of(pa.uint32(), columns.offset, count),
            column_of(pa.uint32(), columns.stored_length, count),
            pc.bit_wise_and(flags, pa.scalar(int(STORED_FLAGS), pa.uint8())),
            column_of(pa.uint8(), columns.entropy, count),
            pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), pa.array([origin])),
        ],
        schema=SCHEMA,
    )
    unchanged = pc.bit_wise_and(flags, pa.scalar(int(BlockFlags.UNCHANGED), pa.uint8()))
    return table.filter(pc.equal(unchanged, pa.scalar(0, pa.uint8())))


def _translate(column: pa.Array, named: Mapping[int, Segment], segments: SegmentTable) -> pa.Array:
    ordinals = [ordinal for ordinal in column.unique().to_pylist() if ordinal != NO_SEGMENT]
    if not named.keys() >= set(ordinals):
        raise ValueError("a row names a segment that its part does not")
    known = pa.array(ordinals, pa.uint32())
    translation = pa.array([segments.ordinal_of(named[ordinal]) for ordinal in ordinals], pa.uint32())
    # Not found, which is NO_SEGMENT alone, becomes null: the block is zero or unchanged.
    return translation.take(pc.index_in(column, value_set=known))

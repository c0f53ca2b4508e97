"""Maps on top of each other: the newest row of every block wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from appliance.catalog.block_map import BlockMap
from appliance.catalog.schema import SCHEMA
from appliance.catalog.segment_table import SegmentTable


class Overlay:
    """The maps of one image, newest first, read by ranges of blocks.

    `segments` numbers the segments of all of them; it may be shared with what is laid on top.
    """

    def __init__(self, maps: Sequence[BlockMap], segments: SegmentTable | None = None) -> None:
        self.segments = segments if segments is not None else SegmentTable()
        self._maps = [(one, self.segments.translation(one.segments)) for one in maps]

    @property
    def most_rows(self) -> int:
        """An upper bound of the number of rows."""
        return sum(len(one) for one, _ in self._maps)

    def rows(self, first: int, stop: int) -> pa.Table:
        """One row per block of [first, stop) that any map has a row for, ascending."""
        return overlay_tables(self._tables(first, stop))

    def stored_rows(self, first: int, stop: int) -> pa.Table:
        """The rows of [first, stop) that have bytes in a segment, ascending: all others are zero."""
        rows = self.rows(first, stop)
        return rows.filter(pc.is_valid(rows["segment"]))

    def _tables(self, first: int, stop: int) -> Iterable[pa.Table]:
        position = SCHEMA.get_field_index("segment")
        for one, translation in self._maps:
            rows = one.rows(first, stop)
            if rows.num_rows:
                translated = pa.chunked_array([translation]).take(rows["segment"])
                yield rows.set_column(position, SCHEMA.field("segment"), translated)


def sort_by_block(rows: pa.Table) -> pa.Table:
    """The same rows in ascending order of their blocks; rows of one block keep their order."""
    return rows.unify_dictionaries().take(pc.sort_indices(rows["block_index"]))


def overlay_tables(newest_first: Iterable[pa.Table]) -> pa.Table:
    """The newest row of every block, ascending; each table has a block at most once."""
    tables = [table for table in newest_first if table.num_rows]
    if len(tables) < 2:  # noqa: PLR2004  # nothing to overlay
        return tables[0] if tables else SCHEMA.empty_table()
    together = sort_by_block(pa.concat_tables(tables))
    blocks = together["block_index"].combine_chunks()
    is_newest = pa.concat_arrays([pa.array([True]), pc.not_equal(blocks[1:], blocks[:-1])])
    return together.filter(is_newest)

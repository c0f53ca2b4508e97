"""Rows as values: for whoever looks at single blocks."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.catalog.overlay import Overlay
from appliance.model.blocks import BlockFlags, BlockLocation, BlockRecord

_ROWS_AT_ONCE = 4096


def iter_records(overlay: Overlay, first: int, stop: int) -> Iterator[BlockRecord]:
    """What the newest map says of each block of [first, stop) that any map has a row for, ascending."""
    for batch in overlay.rows(first, stop).to_batches(max_chunksize=_ROWS_AT_ONCE):
        for row in batch.to_pylist():
            location = None
            if row["segment"] is not None:
                segment = overlay.segments[row["segment"]].id
                flags = BlockFlags(row["flags"])
                location = BlockLocation(segment, row["offset"], row["stored_length"], flags)
            yield BlockRecord(row["block_index"], row["digest"], location, row["entropy"], row["origin"])

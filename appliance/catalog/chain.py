"""A draft to the maps of its point: docs/repository-format.md, "Chain"."""

from __future__ import annotations

import pyarrow.compute as pc

from appliance.catalog.draft_table import DraftRows
from appliance.catalog.map_writer import BlockMapWriter
from appliance.catalog.overlay import Overlay, overlay_tables
from appliance.catalog.task_file_writers import iter_ranges


def write_delta_rows(writer: BlockMapWriter, draft: DraftRows, block_count: int) -> None:
    """Write what changed; a block that became zero has a row without segment."""
    for first, stop in iter_ranges(block_count):
        writer.write(draft.rows(first, stop))


def write_full_rows(writer: BlockMapWriter, draft: DraftRows, parent: Overlay, block_count: int) -> None:
    """Write every stored block of the new point; `parent` and `draft` share their segment table."""
    for first, stop in iter_ranges(block_count):
        rows = overlay_tables([draft.rows(first, stop), parent.rows(first, stop)])
        writer.write(rows.filter(pc.is_valid(rows["segment"])))

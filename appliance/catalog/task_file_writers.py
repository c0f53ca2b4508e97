"""What a mover needs to know of an image: the parent's digests, or the plan to read it all."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from appliance.catalog.columns import bytes_of
from appliance.catalog.overlay import Overlay
from appliance.catalog.task_file import TaskFileWriter, open_task_file
from appliance.model.blocks import DIGEST_SIZE, block_count_of
from appliance.model.recovery_points import BlockRange
from appliance.model.task_files import BLOCKS_PER_RANGE, TaskFileKind

_ROW_COLUMNS = ("block_index", "digest", "segment", "offset", "stored_length", "flags")


def write_parent_file(path: Path, overlay: Overlay, block_size: int, capacity: int) -> None:
    """Write the digest of every block of a disk; a block that nobody wrote is 32 zero bytes."""
    block_count = block_count_of(capacity, block_size)
    with open_task_file(path, TaskFileKind.PARENT, {"digest": block_count}) as task_file:
        for first, stop in iter_ranges(block_count):
            rows = overlay.stored_rows(first, stop)
            digests = bytes_of(rows["digest"])
            position = 0
            for run in iter_runs(rows["block_index"]):
                length = run.count * DIGEST_SIZE
                task_file.put("digest", run.first, digests[position : position + length])
                position += length
        task_file.put("digest", block_count, b"")
        task_file.finish(block_count, block_size, capacity)


def write_plan_file(
    path: Path, overlay: Overlay, block_size: int, capacity: int, *, include_zeros: bool
) -> int:
    """Write the rows of all stored blocks in the order to read them; how many there are.

    `include_zeros` lists the zero blocks too: for a target that is not known to be zero.
    """
    block_count = block_count_of(capacity, block_size)
    most_rows = min(overlay.most_rows, block_count)
    most = dict.fromkeys(_ROW_COLUMNS, most_rows)
    most |= dict.fromkeys(("zero_first", "zero_count"), most_rows + -(-block_count // BLOCKS_PER_RANGE))
    most |= dict.fromkeys(("segment_id", "segment_length", "segment_digest"), len(overlay.segments))
    row_count = 0
    with open_task_file(path, TaskFileKind.PLAN, most) as task_file:
        for first, stop in iter_ranges(block_count):
            rows = overlay.stored_rows(first, stop)
            _append_rows(task_file, rows)
            row_count += rows.num_rows
            if include_zeros:
                _append_zeros(task_file, rows, BlockRange(first, stop - first))
        task_file.append_segments(overlay.segments)
        task_file.finish(row_count, block_size, capacity)
    return row_count


def iter_ranges(block_count: int) -> Iterator[tuple[int, int]]:
    """The ranges [first, stop) in which a disk's blocks are worked on."""
    for first in range(0, block_count, BLOCKS_PER_RANGE):
        yield first, min(first + BLOCKS_PER_RANGE, block_count)


def iter_runs(blocks: pa.ChunkedArray) -> Iterator[BlockRange]:
    """The runs of consecutive numbers in an ascending column."""
    if not len(blocks):
        return
    index = pc.cast(blocks.combine_chunks(), pa.int64())
    encoded = pc.run_end_encode(pc.subtract(index, pa.arange(0, len(index))))
    start = 0
    for difference, end in zip(encoded.values.to_pylist(), encoded.run_ends.to_pylist(), strict=True):
        yield BlockRange(difference + start, end - start)
        start = end


def _append_rows(task_file: TaskFileWriter, rows: pa.Table) -> None:
    ordered = rows.select(list(_ROW_COLUMNS)).sort_by([("segment", "ascending"), ("offset", "ascending")])
    for name in _ROW_COLUMNS:
        task_file.append(name, bytes_of(ordered[name]))


def _append_zeros(task_file: TaskFileWriter, rows: pa.Table, within: BlockRange) -> None:
    firsts, counts, position = [], [], within.first
    end = within.first + within.count
    for run in (*iter_runs(rows["block_index"]), BlockRange(end, 0)):
        if run.first > position:
            firsts.append(position)
            counts.append(run.first - position)
        position = run.first + run.count
    task_file.append("zero_first", struct.pack(f"<{len(firsts)}Q", *firsts))
    task_file.append("zero_count", struct.pack(f"<{len(counts)}Q", *counts))

"""The digests of many maps as one sorted file, for a mover to search.

Rows are first spread over buckets by the leading bits of their digest, each small enough to be sorted in
memory: what is held at once does not grow with the repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from appliance.catalog.block_map import BlockMap
from appliance.catalog.columns import bytes_of
from appliance.catalog.segment_table import SegmentTable
from appliance.catalog.task_file import TaskFileWriter, open_task_file
from appliance.model.blocks import DIGEST_SIZE, Segment
from appliance.model.identifiers import SegmentId
from appliance.model.task_files import TaskFileKind

MOST_BUCKETS = 256
ROWS_PER_BUCKET = 1 << 20

_SCHEMA = pa.schema(
    [
        pa.field("digest", pa.binary(DIGEST_SIZE)),
        pa.field("segment", pa.uint32()),
        pa.field("offset", pa.uint32()),
        pa.field("stored_length", pa.uint32()),
        pa.field("flags", pa.uint8()),
    ]
)


def write_index_file(
    path: Path,
    maps: Iterable[BlockMap],
    most_rows: int,
    is_usable: Callable[[Segment], bool],
    rows_per_bucket: int = ROWS_PER_BUCKET,
) -> int:
    """Write where every digest of `maps` is stored; how many different ones there are.

    `maps` are opened one at a time and have `most_rows` rows together. Rows in a segment that is not
    usable are left out; each segment is asked about once. Buckets are files beside `path` while this runs.
    """
    bucket_count = 1
    while bucket_count < MOST_BUCKETS and most_rows > bucket_count * rows_per_bucket:
        bucket_count *= 2
    segments = SegmentTable()
    buckets = [path.with_name(f"{path.name}.bucket-{number:03d}") for number in range(bucket_count)]
    try:
        _fill_buckets(buckets, maps, _UsableSegments(segments, is_usable))
        return _join_buckets(path, buckets, most_rows, segments)
    finally:
        for bucket in buckets:
            bucket.unlink(missing_ok=True)


class _UsableSegments:
    """Numbers the segments that may be named; null stands for every other one."""

    def __init__(self, segments: SegmentTable, is_usable: Callable[[Segment], bool]) -> None:
        self._segments = segments
        self._is_usable = is_usable
        self._verdicts: dict[SegmentId, bool] = {}

    def translation(self, segments: Iterable[Segment]) -> pa.ChunkedArray:
        """For each of `segments`, by its position, its ordinal or null: `translation.take(column)`."""
        return pa.chunked_array([pa.array([self._ordinal_of(segment) for segment in segments], pa.uint32())])

    def _ordinal_of(self, segment: Segment) -> int | None:
        if segment.id not in self._verdicts:
            self._verdicts[segment.id] = self._is_usable(segment)
        return self._segments.ordinal_of(segment) if self._verdicts[segment.id] else None


def _fill_buckets(buckets: list[Path], maps: Iterable[BlockMap], segments: _UsableSegments) -> None:
    with ExitStack() as stack:
        files = [stack.enter_context(pa.OSFile(str(bucket), "wb")) for bucket in buckets]
        writers = [stack.enter_context(pa.ipc.new_stream(file, _SCHEMA)) for file in files]
        for block_map in maps:
            translation = segments.translation(block_map.segments)
            for rows in block_map.iter_row_groups(_SCHEMA.names):
                segment = translation.take(rows["segment"])
                translated = rows.set_column(1, _SCHEMA.field("segment"), segment)
                _spread(translated.filter(pc.is_valid(segment)).cast(_SCHEMA), writers)


def _spread(rows: pa.Table, writers: list[pa.ipc.RecordBatchStreamWriter]) -> None:
    if len(writers) == 1:
        writers[0].write_table(rows)
        return
    first_byte = pc.binary_slice(rows["digest"].combine_chunks(), 0, 1).view(pa.uint8())
    bucket = pc.divide(first_byte, pa.scalar(MOST_BUCKETS // len(writers), pa.uint16()))
    order = pc.sort_indices(bucket)
    ordered, position = rows.take(order), 0
    for counted in pc.value_counts(bucket.take(order)).to_pylist():
        writers[counted["values"]].write_table(ordered.slice(position, counted["counts"]))
        position += counted["counts"]


def _join_buckets(path: Path, buckets: list[Path], most_rows: int, segments: SegmentTable) -> int:
    most = dict.fromkeys(_SCHEMA.names, most_rows)
    most |= dict.fromkeys(("segment_id", "segment_length", "segment_digest"), len(segments))
    row_count = 0
    with open_task_file(path, TaskFileKind.INDEX, most) as task_file:
        for bucket in buckets:
            row_count += _append_distinct(task_file, bucket)
        task_file.append_segments(segments)
        task_file.finish(row_count, 0, 0)
    return row_count


def _append_distinct(task_file: TaskFileWriter, bucket: Path) -> int:
    with pa.memory_map(str(bucket)) as file:
        rows = pa.ipc.open_stream(file).read_all()
        if not rows.num_rows:
            return 0
        order = pc.sort_indices(rows["digest"])
        digests = rows["digest"].take(order).combine_chunks()
        is_first = pa.concat_arrays([pa.array([True]), pc.not_equal(digests[1:], digests[:-1])])
        distinct = rows.take(order.filter(is_first))
        for name in _SCHEMA.names:
            task_file.append(name, bytes_of(distinct[name]))
        return int(distinct.num_rows)

"""Arrow columns and plain memory: each as the other, without copying row by row."""

from __future__ import annotations

import pyarrow as pa


def column_of(kind: pa.DataType, content: memoryview, row_count: int) -> pa.Array:
    """Fixed-width values that lie in `content`, as an Arrow column without nulls."""
    return pa.Array.from_buffers(kind, row_count, [None, pa.py_buffer(content)])


def bytes_of(column: pa.ChunkedArray | pa.Array) -> memoryview:
    """The values of a fixed-width column without nulls, one after the other."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # no chunk at all
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    width = array.type.bit_width // 8
    if not len(array):
        return memoryview(b"")
    start = array.offset * width
    return memoryview(array.buffers()[1])[start : start + len(array) * width].cast("B")

"""Rows about blocks, kept as columns: how drafts hold them and how catalogs take them over."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.model.blocks import DIGEST_SIZE

NO_SEGMENT = 0xFFFFFFFF
"""In a column `segment`: the row has no stored bytes."""

COLUMN_WIDTHS = {
    "block_index": 8,
    "digest": DIGEST_SIZE,
    "segment": 4,
    "offset": 4,
    "stored_length": 4,
    "flags": 1,
    "entropy": 1,
}
"""Bytes of one value; the order is that of the columns in a part of a draft."""

ROW_WIDTH = sum(COLUMN_WIDTHS.values())


@dataclass(frozen=True, slots=True)
class BlockColumns:
    """`row_count` rows; each column is the little-endian values one after the other."""

    row_count: int
    block_index: memoryview
    digest: memoryview
    segment: memoryview
    offset: memoryview
    stored_length: memoryview
    flags: memoryview
    entropy: memoryview

    @classmethod
    def over(cls, content: memoryview, row_count: int) -> BlockColumns:
        """The columns that lie one after the other in `content`; nothing is copied."""
        columns: dict[str, memoryview] = {}
        start = 0
        for name, width in COLUMN_WIDTHS.items():
            columns[name] = content[start : start + width * row_count]
            start += width * row_count
        return cls(row_count, **columns)

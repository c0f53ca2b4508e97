"""Segments as numbers: what lets rows of several maps share one column."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from appliance.model.blocks import Segment
from appliance.model.identifiers import SegmentId


class SegmentTable:
    """Numbers segments in the order in which they are first seen."""

    def __init__(self) -> None:
        self._ordinals: dict[SegmentId, int] = {}
        self._segments: list[Segment] = []

    def __len__(self) -> int:
        return len(self._segments)

    def __getitem__(self, ordinal: int) -> Segment:
        return self._segments[ordinal]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All of them, by ordinal."""
        return tuple(self._segments)

    def ordinal_of(self, segment: Segment) -> int:
        """The number of a segment, new or not."""
        ordinal = self._ordinals.get(segment.id)
        if ordinal is None:
            ordinal = self._ordinals[segment.id] = len(self._segments)
            self._segments.append(segment)
        return ordinal

    def translation(self, segments: Iterable[Segment]) -> pa.Array:
        """For each of `segments`, by its position, the ordinal here: `translation.take(column)`."""
        return pa.array([self.ordinal_of(segment) for segment in segments], pa.uint32())


class NamedSegments:
    """The part of a table that rows really name, renumbered from 0: what a map's metadata may hold."""

    def __init__(self, source: SegmentTable) -> None:
        self._source = source
        self._new_ordinals: list[int | None] = []
        self._named: list[int] = []

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The named ones, by their new ordinal."""
        return tuple(self._source[ordinal] for ordinal in self._named)

    def renumber(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """A column of ordinals of the source as ordinals of the named ones; null stays null."""
        self._new_ordinals.extend([None] * (len(self._source) - len(self._new_ordinals)))
        for ordinal in column.unique().drop_null().to_pylist():
            if self._new_ordinals[ordinal] is None:
                self._new_ordinals[ordinal] = len(self._named)
                self._named.append(ordinal)
        return pa.chunked_array([pa.array(self._new_ordinals, pa.uint32())]).take(column)

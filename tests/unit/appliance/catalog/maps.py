"""Block maps made from dicts, for the tests of this folder."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.catalog import (
    BlockMap,
    DraftRows,
    MapHeader,
    Overlay,
    SegmentTable,
    iter_records,
    open_block_map,
    open_map_writer,
    write_delta_rows,
)
from appliance.codec import block_digest
from appliance.model.block_columns import NO_SEGMENT, BlockColumns
from appliance.model.blocks import ZERO_DIGEST, BlockFlags, BlockRecord, Segment
from appliance.model.identifiers import RecoveryPointId, RunId, SegmentId
from appliance.model.recovery_points import BlockMapKind, BlockMapReference
from appliance.storage import ObjectStore

POINT = RecoveryPointId("20261122T101500Z-5f0c2a1b")
PLACE = "web-01 / Hard disk 1 at 20261122T101500Z-5f0c2a1b"
BLOCKS_PER_SEGMENT = 10

Seeds = Mapping[int, int]
"""Block to seed: what is stored is made up from the seed; 0 is a zero block, -1 an unchanged one."""


def segment_of(seed: int) -> Segment:
    number = seed // BLOCKS_PER_SEGMENT
    return Segment(SegmentId(f"{number:064x}"), 1_000_000 + number, f"{number:064x}")


def digest_of(seed: int) -> bytes:
    return block_digest(str(seed).encode()) if seed else ZERO_DIGEST


@dataclass(frozen=True, slots=True)
class SeededPart:
    """One part of a draft, made from seeds."""

    seeds: Seeds

    @property
    def lowest(self) -> int:
        return min(self.seeds)

    @property
    def highest(self) -> int:
        return max(self.seeds)

    @property
    def named(self) -> Mapping[int, Segment]:
        return {seed // BLOCKS_PER_SEGMENT: segment_of(seed) for seed in self.seeds.values() if seed > 0}

    def read(self) -> BlockColumns:
        seeds = list(self.seeds.values())
        columns = (
            struct.pack(f"<{len(seeds)}Q", *self.seeds),
            b"".join(digest_of(max(seed, 0)) for seed in seeds),
            words([seed // BLOCKS_PER_SEGMENT if seed > 0 else NO_SEGMENT for seed in seeds]),
            words([seed % BLOCKS_PER_SEGMENT * 100 for seed in seeds]),
            words([seed % 7 + 1 if seed > 0 else 0 for seed in seeds]),
            bytes(flags_of(seed) for seed in seeds),
            bytes(max(seed, 0) % 256 for seed in seeds),
        )
        return BlockColumns.over(memoryview(b"".join(columns)), len(seeds))


def words(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def flags_of(seed: int) -> BlockFlags:
    if seed == 0:
        return BlockFlags.ZERO
    return BlockFlags.UNCHANGED if seed < 0 else BlockFlags.COMPRESSED


def write_map(
    store: ObjectStore, key: str, seeds: Seeds, block_count: int, kind: BlockMapKind = BlockMapKind.DELTA
) -> BlockMapReference:
    segments = SegmentTable()
    header = MapHeader("1-draft", kind, "machine", "disk", POINT, 1 << 18, block_count << 18)
    parts = [SeededPart(seeds)] if seeds else []
    with open_map_writer(store, key, header, segments) as writer:
        write_delta_rows(writer, DraftRows(parts, segments, RunId(POINT)), block_count)
        return writer.finish().reference


def open_map(store: ObjectStore, reference: BlockMapReference) -> BlockMap:
    return open_block_map(store, reference, PLACE)


def records_of(overlay: Overlay, block_count: int) -> dict[int, BlockRecord]:
    return {record.index: record for record in iter_records(overlay, 0, block_count)}


def digests_of(overlay: Overlay, block_count: int) -> dict[int, bytes]:
    return {index: record.digest for index, record in records_of(overlay, block_count).items()}

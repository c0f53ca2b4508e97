from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.catalog import (
    BlockMap,
    DamagedMapError,
    DraftRows,
    MapHeader,
    Overlay,
    SegmentTable,
    open_map_writer,
)
from appliance.catalog.map_writer import WrittenMap
from appliance.model.blocks import BlockFlags, BlockLocation, BlockRecord
from appliance.model.identifiers import RunId
from appliance.model.recovery_points import BlockMapKind
from appliance.storage import ObjectStore, RepositoryFullError
from tests.fakes.object_stores import Fault, FaultyObjectStore, MemoryObjectStore
from tests.unit.appliance.catalog.maps import (
    PLACE,
    POINT,
    SeededPart,
    Seeds,
    digest_of,
    digests_of,
    open_map,
    records_of,
    segment_of,
    write_map,
)

BLOCKS = 40
seeds_of_map = st.dictionaries(st.integers(0, BLOCKS - 1), st.integers(-1, 60), max_size=BLOCKS)


def written_seeds(seeds: Seeds) -> dict[int, int]:
    return {block: seed for block, seed in seeds.items() if seed >= 0}


@settings(max_examples=60, deadline=None)
@given(st.lists(seeds_of_map, min_size=1, max_size=5))
def test_the_newest_row_of_every_block_wins(newest_first: list[dict[int, int]]) -> None:
    store = MemoryObjectStore()
    references = [write_map(store, f"map-{n}", seeds, BLOCKS) for n, seeds in enumerate(newest_first)]
    expected: dict[int, int] = {}
    for seeds in reversed(newest_first):
        expected |= written_seeds(seeds)

    overlay = Overlay([open_map(store, reference) for reference in references])

    assert digests_of(overlay, BLOCKS) == {block: digest_of(seed) for block, seed in expected.items()}
    for block, record in records_of(overlay, BLOCKS).items():
        located = record.location.segment if record.location else None
        assert located == (segment_of(expected[block]).id if expected[block] else None)


@settings(max_examples=30, deadline=None)
@given(st.lists(seeds_of_map, min_size=1, max_size=3), st.integers(0, BLOCKS), st.integers(0, BLOCKS))
def test_a_range_of_an_overlay_is_that_part_of_the_whole(
    newest_first: list[dict[int, int]], first: int, stop: int
) -> None:
    store = MemoryObjectStore()
    references = [write_map(store, f"map-{n}", seeds, BLOCKS) for n, seeds in enumerate(newest_first)]
    overlay = Overlay([open_map(store, reference) for reference in references])

    whole = overlay.rows(0, BLOCKS)["block_index"].to_pylist()

    assert overlay.rows(first, stop)["block_index"].to_pylist() == [n for n in whole if first <= n < stop]
    assert whole == sorted(set(whole))


def test_a_row_comes_back_as_it_was_written() -> None:
    store = MemoryObjectStore()
    overlay = Overlay([open_map(store, write_map(store, "map", {3: 25, 4: 0, 5: -1}, BLOCKS))])

    location = BlockLocation(segment_of(25).id, 500, 5, BlockFlags.COMPRESSED)
    assert records_of(overlay, BLOCKS) == {
        3: BlockRecord(3, digest_of(25), location, 25, POINT),
        4: BlockRecord(4, bytes(32), None, 0, POINT),
    }


def test_a_map_names_only_the_segments_its_rows_name() -> None:
    store = MemoryObjectStore()
    segments = SegmentTable()
    for seed in range(0, 100, 10):
        segments.ordinal_of(segment_of(seed))
    header = MapHeader("1-draft", BlockMapKind.FULL, "machine", "disk", POINT, 1 << 18, BLOCKS << 18)
    draft = DraftRows([SeededPart({1: 75, 2: 31})], segments, RunId(POINT))
    with open_map_writer(store, "map", header, segments) as writer:
        writer.write(draft.rows(0, BLOCKS))
        written = writer.finish()

    assert set(written.segments) == {segment_of(75), segment_of(31)}
    assert set(open_map(store, written.reference).segments) == set(written.segments)


def test_metadata_are_those_of_the_format_text() -> None:
    store = MemoryObjectStore()
    block_map = open_map(store, write_map(store, "map", {1: 25}, BLOCKS, BlockMapKind.FULL))

    assert json.loads(block_map._file.metadata.metadata[b"keepline.map"]) == {
        "format": "1-draft",
        "kind": "full",
        "machine": "machine",
        "disk": "disk",
        "point": POINT,
        "block_size": 1 << 18,
        "capacity": BLOCKS << 18,
        "segments": [[segment_of(25).id, segment_of(25).length, segment_of(25).digest]],
    }


SEGMENT_TABLE_BYTES_A_ROW = 150 / 600
"""Of a real map: 64 MiB hold more than 600 blocks of 256 KiB that compress to less than 40 %."""


def table_length(block_map: BlockMap) -> int:
    """What these maps have more of than real ones: a segment for every ten blocks."""
    return len(block_map._file.metadata.metadata[b"keepline.map"])


def test_row_groups_have_the_size_of_the_format_text_and_45_bytes_a_row_are_enough() -> None:
    store, generator = MemoryObjectStore(), random.Random(7)
    seeds = {block: generator.randrange(1, 1 << 20) for block in range(0, 200_000, 2)}
    reference = write_map(store, "map", seeds, 200_000)
    block_map = open_map(store, reference)
    metadata = block_map._file.metadata

    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [65_536, 34_464]
    bytes_a_row = (reference.object.length - table_length(block_map)) / reference.row_count
    assert bytes_a_row + SEGMENT_TABLE_BYTES_A_ROW <= 45


def write_two_row_groups(store: ObjectStore) -> WrittenMap:
    segments = SegmentTable()
    header = MapHeader("1-draft", BlockMapKind.FULL, "machine", "disk", POINT, 1 << 18, 70_000 << 18)
    draft = DraftRows([SeededPart({block: block + 1 for block in range(70_000)})], segments, RunId(POINT))
    with open_map_writer(store, "map", header, segments) as writer:
        writer.write(draft.rows(0, 70_000))
        return writer.finish()


@pytest.mark.parametrize("call", [1, 2, 5, 20, 35])
def test_a_map_that_could_not_be_written_is_not_there(call: int) -> None:
    store = MemoryObjectStore()
    faulty = FaultyObjectStore(store, {call: Fault(RepositoryFullError("no space left"))})

    with pytest.raises(RepositoryFullError, match="no space left"):
        write_two_row_groups(faulty)
    assert store.objects == {}


def test_a_map_that_nobody_finished_is_not_there() -> None:
    store = MemoryObjectStore()
    segments = SegmentTable()
    header = MapHeader("1-draft", BlockMapKind.DELTA, "machine", "disk", POINT, 1 << 18, 1 << 30)
    with open_map_writer(store, "map", header, segments) as writer:
        writer.write(DraftRows([SeededPart({1: 1})], segments, RunId(POINT)).rows(0, BLOCKS))

    assert store.objects == {}


def test_two_rows_for_one_block_are_refused() -> None:
    rows = DraftRows([SeededPart({1: 1}), SeededPart({1: 2})], SegmentTable(), RunId(POINT))

    with pytest.raises(ValueError, match="two rows are about one block"):
        rows.rows(0, BLOCKS)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_damage_to_a_map_is_found_before_a_row_is_believed(data: st.DataObject) -> None:
    store = MemoryObjectStore()
    reference = write_map(store, "map", {block: block + 1 for block in range(BLOCKS)}, BLOCKS)
    content = bytearray(store.objects["map"])
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    store.objects["map"] = bytes(content)

    with pytest.raises(DamagedMapError, match=PLACE):
        open_map(store, reference)


def test_a_readable_but_truncated_map_is_damage() -> None:
    store = MemoryObjectStore()
    reference = write_map(store, "map", {1: 1, 2: 2}, BLOCKS)
    shorter = write_map(store, "shorter", {1: 1}, BLOCKS)
    store.objects["map"] = store.objects["shorter"]

    with pytest.raises(DamagedMapError, match=rf"has {shorter.object.length} bytes instead of"):
        open_map(store, reference)


def test_a_missing_map_is_named() -> None:
    store = MemoryObjectStore()
    reference = write_map(store, "map", {1: 1}, BLOCKS)
    store.objects.clear()

    with pytest.raises(DamagedMapError, match=f"the block map of {PLACE} is missing: map"):
        open_map(store, reference)

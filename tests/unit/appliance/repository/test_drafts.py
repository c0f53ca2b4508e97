from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.model.block_columns import NO_SEGMENT
from appliance.model.blocks import ZERO_DIGEST, BlockFlags, BlockLocation, Segment
from appliance.model.disk_tasks import CheckpointKey
from appliance.model.identifiers import SegmentId
from appliance.model.recovery_points import BlockRange, DiskStatistics
from appliance.repository.draft_writer import ROWS_PER_PART, DraftWriter
from appliance.repository.drafts import (
    Checkpoint,
    DiskDraft,
    find_draft,
    iter_parts,
    merge_ranges,
    ranges_of,
    read_checkpoint,
    read_draft,
)
from appliance.repository.errors import DamagedDraftError, DraftError
from tests.fakes.object_stores import MemoryObjectStore

PREFIX = "drafts/run/disk/"
KEY = CheckpointKey("run", "snapshot-7", "6000c29a", 1 << 40, "52 3c/17", 1 << 18)
STATISTICS = DiskStatistics(examined=1, read=2, stored=3, deduplicated=4, zero=5, unchanged=6)


def segment(number: int) -> Segment:
    return Segment(SegmentId(f"{number:064x}"), 1000 + number, f"{number:064x}")


def location(number: int, offset: int) -> BlockLocation:
    return BlockLocation(segment(number).id, offset, 77, BlockFlags.COMPRESSED)


def digest(block: int) -> bytes:
    return block.to_bytes(32, "big")


def rows_of(store: MemoryObjectStore, draft: DiskDraft) -> dict[int, tuple[bytes, str, int, int, int, int]]:
    """Block to digest, segment, offset, stored length, flags, entropy."""
    rows = {}
    for part in iter_parts(store, draft):
        names = {numbered.ordinal: str(numbered.id) for numbered in part.header.segments}
        columns = part.columns
        for row in range(columns.row_count):
            ordinal = columns.segment.cast("I")[row]
            rows[columns.block_index.cast("Q")[row]] = (
                bytes(columns.digest[row * 32 : row * 32 + 32]),
                names[ordinal] if ordinal != NO_SEGMENT else "",
                columns.offset.cast("I")[row],
                columns.stored_length.cast("I")[row],
                columns.flags[row],
                columns.entropy[row],
            )
    return rows


def test_a_draft_says_what_became_of_every_block() -> None:
    store = MemoryObjectStore()
    writer = DraftWriter(store, PREFIX, KEY)
    writer.add_zero(5)
    writer.add_unchanged(4, digest(4))
    writer.add_stored(3, digest(3), location(1, 64), 200)
    writer.note_segment(segment(9))
    writer.add_duplicate(2, digest(2), location(9, 128), 100)
    writer.segment_durable(segment(1))
    key = writer.finish(STATISTICS, "nbdssl", ("slow",))

    draft = read_draft(store, key)
    assert key == PREFIX + "draft.json"
    assert (draft.key, draft.row_count, draft.statistics) == (KEY, 4, STATISTICS)
    assert (draft.transport_mode, draft.warnings) == ("nbdssl", ("slow",))
    assert {numbered.segment for numbered in draft.segments} == {segment(1), segment(9)}
    assert rows_of(store, draft) == {
        5: (ZERO_DIGEST, "", 0, 0, BlockFlags.ZERO, 0),
        4: (digest(4), "", 0, 0, BlockFlags.UNCHANGED, 0),
        3: (digest(3), segment(1).id, 64, 77, BlockFlags.COMPRESSED, 200),
        2: (digest(2), segment(9).id, 128, 77, BlockFlags.COMPRESSED | BlockFlags.DEDUPLICATED, 100),
    }


def test_rows_wait_until_their_segment_is_durable() -> None:
    store = MemoryObjectStore()
    writer = DraftWriter(store, PREFIX, KEY)
    writer.add_stored(1, digest(1), location(1, 64), 0)
    writer.add_stored(2, digest(2), location(2, 64), 0)
    writer.add_duplicate(3, digest(1), location(1, 64), 0)
    writer.segment_durable(segment(2))

    assert read_checkpoint(store, PREFIX, KEY).covered == (BlockRange(2, 1),)
    writer.segment_durable(segment(1))
    assert read_checkpoint(store, PREFIX, KEY).covered == (BlockRange(1, 3),)


def test_rows_that_wait_for_nothing_are_put_when_there_are_many() -> None:
    store = MemoryObjectStore()
    writer = DraftWriter(store, PREFIX, KEY)
    for block in range(ROWS_PER_PART + 1):
        writer.add_zero(block)

    assert read_checkpoint(store, PREFIX, KEY).covered == (BlockRange(0, ROWS_PER_PART),)


def test_a_draft_whose_rows_name_unfinished_segments_cannot_be_finished() -> None:
    writer = DraftWriter(MemoryObjectStore(), PREFIX, KEY)
    writer.add_stored(1, digest(1), location(1, 64), 0)

    with pytest.raises(DraftError, match="never became durable"):
        writer.finish(STATISTICS, "nbd")


def test_an_empty_draft_is_a_draft() -> None:
    store = MemoryObjectStore()
    draft = read_draft(store, DraftWriter(store, PREFIX, KEY).finish(STATISTICS, "nbd"))

    assert (draft.parts, draft.row_count, draft.segments) == ((), 0, ())


def test_a_resumed_draft_holds_the_rows_of_both_attempts() -> None:
    store = MemoryObjectStore()
    first = DraftWriter(store, PREFIX, KEY)
    first.add_stored(1, digest(1), location(1, 64), 0)
    first.add_stored(2, digest(2), location(2, 64), 0)
    first.segment_durable(segment(2))

    checkpoint = read_checkpoint(store, PREFIX, KEY)
    second = DraftWriter(store, PREFIX, KEY, checkpoint)
    second.add_stored(1, digest(1), location(3, 96), 0)
    second.segment_durable(segment(3))
    draft = read_draft(store, second.finish(STATISTICS, "nbd"))

    assert checkpoint.row_count == 1
    assert {block: row[1] for block, row in rows_of(store, draft).items()} == {
        2: segment(2).id,
        1: segment(3).id,
    }
    assert {numbered.segment for numbered in draft.segments} == {segment(2), segment(3)}
    assert len({numbered.ordinal for numbered in draft.segments}) == 2


@pytest.mark.parametrize("name", [field.name for field in fields(CheckpointKey)])
def test_a_checkpoint_with_any_other_field_is_dropped(name: str) -> None:
    store = MemoryObjectStore()
    writer = DraftWriter(store, PREFIX, KEY)
    writer.add_zero(1)
    writer.finish(STATISTICS, "nbd")
    value = getattr(KEY, name)
    changes: dict[str, Any] = {name: value + 1 if isinstance(value, int) else "other"}  # of the field's type
    other = replace(KEY, **changes)

    assert read_checkpoint(store, PREFIX, other) == Checkpoint(next_number=2)
    assert find_draft(store, PREFIX, other) is None
    assert find_draft(store, PREFIX, KEY) is not None


def test_a_damaged_part_is_dropped_and_its_number_not_used_again() -> None:
    store = MemoryObjectStore()
    for block in (1, 2):
        writer = DraftWriter(store, PREFIX, KEY, read_checkpoint(store, PREFIX, KEY))
        writer.add_zero(block)
        writer.note_segment(segment(1))
        writer.segment_durable(segment(1))
    damaged = bytearray(store.objects[PREFIX + "00000002.rows"])
    damaged[40] ^= 1
    store.objects[PREFIX + "00000002.rows"] = bytes(damaged)

    checkpoint = read_checkpoint(store, PREFIX, KEY)
    assert checkpoint.covered == (BlockRange(1, 1),)
    assert checkpoint.next_number == 3


def test_a_complete_draft_that_was_damaged_is_none_and_its_parts_still_count() -> None:
    store = MemoryObjectStore()
    writer = DraftWriter(store, PREFIX, KEY)
    writer.add_zero(1)
    writer.finish(STATISTICS, "nbd")
    store.objects[PREFIX + "draft.json"] = store.objects[PREFIX + "draft.json"][:-9]

    assert find_draft(store, PREFIX, KEY) is None
    assert read_checkpoint(store, PREFIX, KEY).row_count == 1


def test_no_draft_is_found_where_there_is_none() -> None:
    assert find_draft(MemoryObjectStore(), PREFIX, KEY) is None
    assert read_checkpoint(MemoryObjectStore(), PREFIX, KEY) == Checkpoint()


@given(st.integers(0, 10_000))
@settings(max_examples=60)
def test_any_damage_to_any_object_of_a_draft_is_found(position: int) -> None:
    store = MemoryObjectStore()
    writer = DraftWriter(store, PREFIX, KEY)
    writer.add_stored(1, digest(1), location(1, 64), 0)
    writer.segment_durable(segment(1))
    key = writer.finish(STATISTICS, "nbd")
    names = sorted(store.objects)
    name = names[position % len(names)]
    content = bytearray(store.objects[name])
    content[position % len(content)] ^= 0x10
    store.objects[name] = bytes(content)

    with pytest.raises(DamagedDraftError):
        rows_of(store, read_draft(store, key))


def test_missing_objects_of_a_draft_are_found() -> None:
    store = MemoryObjectStore()
    writer = DraftWriter(store, PREFIX, KEY)
    writer.add_zero(1)
    key = writer.finish(STATISTICS, "nbd")
    draft = read_draft(store, key)
    store.objects.clear()

    with pytest.raises(DamagedDraftError, match=r"has no object drafts/run/disk/draft.json"):
        read_draft(store, key)
    with pytest.raises(DamagedDraftError, match=r"has no object drafts/run/disk/00000001.rows"):
        list(iter_parts(store, draft))


@given(st.sets(st.integers(0, 60)))
def test_ranges_are_the_blocks_they_were_made_of(blocks: set[int]) -> None:
    ranges = list(ranges_of(sorted(blocks, key=lambda block: -block)))

    assert [block for one in ranges for block in range(one.first, one.first + one.count)] == sorted(blocks)
    assert all(left.first + left.count < right.first for left, right in pairwise(ranges))


@given(st.lists(st.builds(BlockRange, st.integers(0, 50), st.integers(1, 9)), max_size=12))
def test_merged_ranges_are_the_union(ranges: list[BlockRange]) -> None:
    merged = merge_ranges(ranges)

    union = {block for one in ranges for block in range(one.first, one.first + one.count)}
    assert [block for one in merged for block in range(one.first, one.first + one.count)] == sorted(union)
    assert all(left.first + left.count < right.first for left, right in pairwise(merged))

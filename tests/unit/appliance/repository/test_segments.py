from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.codec import BlockEncoder, EncodedBlock, block_digest
from appliance.model.blocks import BlockFlags, BlockLocation, Segment
from appliance.model.identifiers import SegmentId
from appliance.model.units import MIB
from appliance.repository.errors import DamagedSegmentError, MissingSegmentError
from appliance.repository.layout import segment_key
from appliance.repository.segment_format import HEADER_LENGTH, MOST_BLOCKS, SEGMENT_TARGET
from appliance.repository.segment_publisher import STAGING_BUFFER_LENGTH, STAGING_BUFFERS
from appliance.repository.segment_reader import SegmentReader
from appliance.repository.segment_writer import SegmentWriter
from appliance.storage import FileSystemStore, ObjectStore, RepositoryFullError
from tests.fakes.object_stores import Crash, Fault, FaultyObjectStore, MemoryObjectStore


def raw_block(content: bytes) -> EncodedBlock:
    return EncodedBlock(block_digest(content), content, len(content), BlockFlags.NONE)


def write(
    store: MemoryObjectStore, contents: list[bytes], target: int = SEGMENT_TARGET
) -> tuple[list[BlockLocation], list[Segment]]:
    durable: list[Segment] = []
    return write_all(store, contents, durable.append, target), durable


def write_all(
    store: ObjectStore,
    contents: list[bytes],
    on_durable: Callable[[Segment], None],
    target: int = SEGMENT_TARGET,
) -> list[BlockLocation]:
    with SegmentWriter(store, on_durable, target) as writer:
        locations = [writer.append(raw_block(content)) for content in contents]
        writer.finish()
    return locations


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), max_size=30), st.integers(200, 2000))
def test_every_block_is_read_where_its_location_says(contents: list[bytes], target: int) -> None:
    store = MemoryObjectStore()
    locations, durable = write(store, contents, target)

    reader = SegmentReader(store)
    assert [reader.read(location) for location in locations] == contents
    assert {location.segment for location in locations} == {segment.id for segment in durable}
    for segment in durable:
        reader.check(segment)
        entries = reader.entries(segment.id)
        listed = [(entry.offset, entry.digest, entry.raw_length) for entry in entries]
        assert listed == [
            (location.offset, block_digest(content), len(content))
            for location, content in zip(locations, contents, strict=True)
            if location.segment == segment.id
        ]


def test_a_segment_is_what_the_format_text_says() -> None:
    store = MemoryObjectStore()
    (location,), (segment,) = write(store, [b"stored"])
    content = store.objects[segment_key(segment.id)]

    assert content[:8] == b"KLSEGM\x00\x01"
    assert content[8:40] == bytes.fromhex(segment.id)
    assert content[40:64] == bytes(24)
    assert content[64:70] == b"stored"
    assert location == BlockLocation(segment.id, 64, 6, BlockFlags.NONE)
    footer = content[70:118]
    assert footer[:32] == block_digest(b"stored")
    assert footer[32:48] == b"".join(number.to_bytes(4, "little") for number in (64, 6, 6, 0))
    trailer = content[118:]
    assert trailer[:8] == b"KLSEGT\x00\x01"
    assert trailer[8:16] == (1).to_bytes(4, "little") + (48).to_bytes(4, "little")
    assert trailer[16:24] == len(content).to_bytes(8, "little")
    assert trailer[24:56] == blake3(content[:118]).digest() == bytes.fromhex(segment.digest)
    assert trailer[56:] == bytes(8)
    assert segment.length == len(content)


def test_a_segment_closes_at_its_target_and_at_its_number_of_blocks() -> None:
    store = MemoryObjectStore()
    _, by_length = write(store, [bytes(MIB)] * 7, 3 * MIB + HEADER_LENGTH)
    _, by_number = write(store, [b"1"] * (MOST_BLOCKS + 1))

    assert [len(SegmentReader(store).entries(segment.id)) for segment in by_length] == [3, 3, 1]
    assert [len(SegmentReader(store).entries(segment.id)) for segment in by_number] == [MOST_BLOCKS, 1]


def test_a_writer_without_blocks_writes_nothing() -> None:
    store = MemoryObjectStore()

    assert write(store, []) == ([], [])
    assert store.objects == {}


def test_more_than_all_staging_buffers_passes_through(tmp_path: Path) -> None:
    store, encoder, blocks = FileSystemStore(tmp_path), BlockEncoder(), 2 * STAGING_BUFFERS + 1
    contents = [os.urandom(STAGING_BUFFER_LENGTH + number) for number in range(blocks)]
    durable: list[Segment] = []
    with SegmentWriter(store, durable.append, 9 * MIB) as writer:
        locations = [
            writer.append(encoder.encode(memoryview(content), block_digest(content))) for content in contents
        ]
        writer.finish()

    reader = SegmentReader(store)
    for segment in durable:
        reader.check(segment)
    assert [block_digest(reader.read(location)) for location in locations] == [
        block_digest(content) for content in contents
    ]


def test_many_threads_share_a_writer() -> None:
    store = MemoryObjectStore()
    found: dict[bytes, BlockLocation] = {}

    def work(number: int) -> None:
        for count in range(50):
            content = f"{number} {count}".encode() * 40
            found[content] = writer.append(raw_block(content))

    with SegmentWriter(store, lambda _: None, 5000) as writer:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.finish()

    assert len(found) == 300
    reader = SegmentReader(store)
    assert all(reader.read(location) == content for content, location in found.items())


def test_a_segment_is_reported_after_it_is_durable_and_not_before() -> None:
    store = MemoryObjectStore()
    seen: list[bool] = []

    def note(segment: Segment) -> None:
        seen.append(len(store.objects[segment_key(segment.id)]) == segment.length)

    with SegmentWriter(store, note, 1000) as writer:
        writer.append(raw_block(b"1" * 800))
        assert seen == []
        writer.append(raw_block(b"2" * 800))
        writer.finish()

    assert seen == [True, True]


def test_a_writer_that_is_left_unfinished_leaves_no_open_segment() -> None:
    store = MemoryObjectStore()
    with SegmentWriter(store, lambda _: None) as writer:
        writer.append(raw_block(b"1" * 800))

    assert store.objects == {}


@pytest.mark.parametrize("call", range(1, 7))
def test_a_store_that_fails_is_heard_of_by_the_caller(call: int) -> None:
    store = MemoryObjectStore()
    faulty = FaultyObjectStore(store, {call: Fault(RepositoryFullError("no space left"))})
    durable: list[Segment] = []
    with pytest.raises(RepositoryFullError, match="no space left"):
        write_all(faulty, [b"1" * 800] * 100, durable.append, 1000)

    assert set(store.objects) == {segment_key(segment.id) for segment in durable}


def test_workers_do_not_hang_when_the_store_has_died() -> None:
    faulty = FaultyObjectStore(MemoryObjectStore(), {1: Fault(Crash())})
    with pytest.raises(Crash):
        write_all(faulty, [bytes(STAGING_BUFFER_LENGTH)] * (3 * STAGING_BUFFERS), lambda _: None)


def test_a_failing_report_is_heard_of_by_the_caller() -> None:
    def fail(_: Segment) -> None:
        raise RepositoryFullError("no space for the draft")

    with pytest.raises(RepositoryFullError, match="no space for the draft"):
        write_all(MemoryObjectStore(), [b"1"], fail)


@pytest.fixture
def segment_in_store() -> tuple[MemoryObjectStore, Segment]:
    store = MemoryObjectStore()
    _, (segment,) = write(store, [os.urandom(500), os.urandom(700)])
    return store, segment


def test_a_missing_segment_is_named(segment_in_store: tuple[MemoryObjectStore, Segment]) -> None:
    store, segment = segment_in_store
    store.objects.clear()
    reader = SegmentReader(store)

    for attempt in (
        lambda: reader.check(segment),
        lambda: reader.entries(segment.id),
        lambda: reader.read(BlockLocation(segment.id, 64, 10, BlockFlags.NONE)),
    ):
        with pytest.raises(MissingSegmentError, match=f"segment {segment.id} is missing"):
            attempt()


@pytest.mark.parametrize("kept", [0, 63, 64, 127, 128, 600, 1200])
def test_a_segment_cut_short_is_named_with_both_lengths(
    segment_in_store: tuple[MemoryObjectStore, Segment], kept: int
) -> None:
    store, segment = segment_in_store
    key = segment_key(segment.id)
    store.objects[key] = store.objects[key][:kept]

    with pytest.raises(DamagedSegmentError, match=f"has {kept} bytes instead of {segment.length}"):
        SegmentReader(store).check(segment)
    with pytest.raises(DamagedSegmentError, match=segment.id):
        SegmentReader(store).entries(segment.id)


def test_reading_past_the_end_of_a_segment_is_damage(
    segment_in_store: tuple[MemoryObjectStore, Segment],
) -> None:
    store, segment = segment_in_store

    with pytest.raises(DamagedSegmentError, match=f"ends at byte {segment.length}"):
        SegmentReader(store).read(BlockLocation(segment.id, segment.length - 5, 10, BlockFlags.NONE))


def test_another_segment_under_the_same_key_is_noticed(
    segment_in_store: tuple[MemoryObjectStore, Segment],
) -> None:
    store, segment = segment_in_store
    _, (other,) = write(store, [os.urandom(500), os.urandom(700)])
    store.objects[segment_key(segment.id)] = store.objects[segment_key(other.id)]

    with pytest.raises(DamagedSegmentError, match="does not begin with its own header"):
        SegmentReader(store).check(segment)


def test_a_segment_with_another_digest_is_noticed(
    segment_in_store: tuple[MemoryObjectStore, Segment],
) -> None:
    store, segment = segment_in_store
    other = Segment(SegmentId(segment.id), segment.length, "00" * 32)

    with pytest.raises(DamagedSegmentError, match=f"has digest {segment.digest} instead of 0000"):
        SegmentReader(store).check(other)

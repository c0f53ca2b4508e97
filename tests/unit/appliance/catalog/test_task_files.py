"""What the catalog writes for movers, read by what movers read it with."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.catalog import Overlay, write_index_file, write_parent_file, write_plan_file
from appliance.model.blocks import BlockFlags, Segment
from appliance.model.extents import Extent
from appliance.model.recovery_points import BlockRange
from appliance.repository.errors import DamagedTaskFileError
from appliance.repository.task_files import (
    BlockPlan,
    DigestIndex,
    ParentDigests,
    iter_extents,
    write_extents,
)
from tests.fakes.object_stores import MemoryObjectStore
from tests.unit.appliance.catalog.maps import digest_of, open_map, segment_of, write_map

BLOCKS = 40
CAPACITY = BLOCKS << 18
seeds_of_map = st.dictionaries(st.integers(0, BLOCKS - 1), st.integers(-1, 60), max_size=BLOCKS)


def all_usable(_: Segment) -> bool:
    return True


def overlay_of(newest_first: list[dict[int, int]]) -> tuple[Overlay, dict[int, int]]:
    store = MemoryObjectStore()
    expected: dict[int, int] = {}
    references = [write_map(store, f"map-{n}", seeds, BLOCKS) for n, seeds in enumerate(newest_first)]
    for seeds in reversed(newest_first):
        expected |= {block: seed for block, seed in seeds.items() if seed >= 0}
    stored = {block: seed for block, seed in expected.items() if seed}
    return Overlay([open_map(store, reference) for reference in references]), stored


@settings(max_examples=40, deadline=None)
@given(st.lists(seeds_of_map, min_size=1, max_size=3))
def test_a_parent_file_holds_the_digest_of_every_block(newest_first: list[dict[int, int]]) -> None:
    overlay, stored = overlay_of(newest_first)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parent"
        write_parent_file(path, overlay, 1 << 18, CAPACITY)

        with ParentDigests(path) as parent:
            assert len(parent) == BLOCKS
            assert [parent[n] for n in range(BLOCKS)] == [digest_of(stored.get(n, 0)) for n in range(BLOCKS)]


@settings(max_examples=40, deadline=None)
@given(st.lists(seeds_of_map, min_size=1, max_size=3))
def test_a_plan_lists_every_stored_block_in_the_order_of_the_segments(
    newest_first: list[dict[int, int]],
) -> None:
    overlay, stored = overlay_of(newest_first)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan"
        count = write_plan_file(path, overlay, 1 << 18, CAPACITY, include_zeros=True)

        with BlockPlan(path) as plan:
            rows = plan.rows(0, 1000)
            assert {row.block: row.digest for row in rows} == {n: digest_of(s) for n, s in stored.items()}
            assert [row.location.segment for row in rows] == [
                segment_of(stored[row.block]).id for row in rows
            ]
            assert all(row.location.flags == BlockFlags.COMPRESSED for row in rows)
            assert len(rows) == len(plan) == count == len(stored)
            seen: list[tuple[str, int]] = []
            for row in rows:
                if not seen or seen[-1][0] != row.location.segment:
                    assert row.location.segment not in {name for name, _ in seen}
                    seen.append((row.location.segment, -1))
                assert row.location.offset >= seen[-1][1]
                seen[-1] = (row.location.segment, row.location.offset)
            zeros = [n for one in plan.zero_ranges() for n in range(one.first, one.first + one.count)]
            assert zeros == [n for n in range(BLOCKS) if n not in stored]


def test_a_plan_for_a_zero_target_lists_no_zeros(tmp_path: Path) -> None:
    overlay, _ = overlay_of([{3: 5}])
    write_plan_file(tmp_path / "plan", overlay, 1 << 18, CAPACITY, include_zeros=False)

    with BlockPlan(tmp_path / "plan") as plan:
        assert list(plan.zero_ranges()) == []
        assert [row.block for row in plan.rows(0, 9)] == [3]
        assert plan.rows(1, 9) == []


def test_rows_past_the_capacity_are_ignored(tmp_path: Path) -> None:
    overlay, _ = overlay_of([{3: 5, 9: 7}])
    write_plan_file(tmp_path / "plan", overlay, 1 << 18, 5 << 18, include_zeros=True)
    write_parent_file(tmp_path / "parent", overlay, 1 << 18, 5 << 18)

    with BlockPlan(tmp_path / "plan") as plan, ParentDigests(tmp_path / "parent") as parent:
        assert [row.block for row in plan.rows(0, 9)] == [3]
        assert list(plan.zero_ranges()) == [BlockRange(0, 3), BlockRange(4, 1)]
        assert len(parent) == 5


@settings(max_examples=40, deadline=None)
@given(st.lists(seeds_of_map, max_size=4), st.sampled_from([1, 7, 1000]))
def test_an_index_finds_every_stored_digest_and_no_other(
    maps: list[dict[int, int]], rows_per_bucket: int
) -> None:
    store = MemoryObjectStore()
    references = [write_map(store, f"map-{n}", seeds, BLOCKS) for n, seeds in enumerate(maps)]
    stored = {seed for seeds in maps for seed in seeds.values() if seed > 0}
    most_rows = sum(reference.row_count for reference in references)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        opened = (open_map(store, reference) for reference in references)
        count = write_index_file(path, opened, most_rows, all_usable, rows_per_bucket)

        assert count == len(stored)
        assert [file.name for file in Path(folder).iterdir()] == ["index"]
        with DigestIndex(path) as index:
            for seed in range(1, 80):
                hit = index.find(digest_of(seed))
                assert (hit.segment if hit else None) == (segment_of(seed) if seed in stored else None)
                if hit:
                    assert hit.location.segment == hit.segment.id
                    assert (hit.location.offset, hit.location.stored_length) == (
                        seed % 10 * 100,
                        seed % 7 + 1,
                    )
            assert index.find(bytes(32)) is None
            assert index.find(b"\xff" * 32) is None


def test_an_index_leaves_out_segments_that_are_gone(tmp_path: Path) -> None:
    store = MemoryObjectStore()
    block_map = open_map(store, write_map(store, "map", {1: 5, 2: 15, 3: 16, 4: 25}, BLOCKS))
    asked: list[Segment] = []

    def is_usable(segment: Segment) -> bool:
        asked.append(segment)
        return segment != segment_of(15)

    assert write_index_file(tmp_path / "index", [block_map, block_map], 8, is_usable) == 2
    assert len(asked) == 3
    with DigestIndex(tmp_path / "index") as index:
        found = {seed for seed in (5, 15, 16, 25) if index.find(digest_of(seed))}
    assert found == {5, 25}


def test_digests_that_are_not_spread_evenly_are_found_too(tmp_path: Path) -> None:
    """An index built by hand: thousands of digests that share their leading bytes."""
    digests = sorted([b"\x00" * 8 + n.to_bytes(24, "big") for n in range(1, 3000)] + [b"\xff" * 32])
    columns = {
        "digest": b"".join(digests),
        "segment": bytes(4 * len(digests)),
        "offset": b"".join(n.to_bytes(4, "little") for n in range(len(digests))),
        "stored_length": bytes(4 * len(digests)),
        "flags": bytes(len(digests)),
        "segment_id": bytes(32),
        "segment_length": bytes(8),
        "segment_digest": bytes(32),
    }
    write_columns(tmp_path / "index", "index", columns, len(digests))

    with DigestIndex(tmp_path / "index") as index:
        for row in (0, 1, 1500, 2998, 2999):
            hit = index.find(digests[row])
            assert hit is not None
            assert hit.location.offset == row
        assert index.find(b"\x00" * 8 + (3001).to_bytes(24, "big")) is None


def write_columns(path: Path, kind: str, columns: dict[str, bytes], row_count: int) -> None:
    """A task file from plain bytes, after the format text."""
    from appliance.catalog.task_file import open_task_file  # noqa: PLC0415  # only this test writes by hand
    from appliance.model.task_files import TASK_FILE_COLUMNS, TaskFileKind  # noqa: PLC0415

    widths = TASK_FILE_COLUMNS[TaskFileKind(kind)]
    most = {name: len(content) // widths[name] for name, content in columns.items()}
    with open_task_file(path, TaskFileKind(kind), most) as task_file:
        for name, content in columns.items():
            task_file.append(name, content)
        task_file.finish(row_count, 0, 0)


extent_lists = st.lists(st.tuples(st.integers(0, 1 << 40), st.integers(1, 1 << 40)), max_size=9)


@given(extent_lists)
def test_extents_come_back_as_they_were_written(pairs: list[tuple[int, int]]) -> None:
    extents = [Extent(offset, length) for offset, length in sorted(pairs)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "extents"
        write_extents(path, extents, 1 << 18, CAPACITY)

        assert list(iter_extents(path)) == extents


@pytest.mark.parametrize("kept", [0, 1, 100, 4095, 4096, 5000])
def test_a_file_cut_short_is_damage(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "extents"
    write_extents(path, [Extent(n, 1) for n in range(200)], 1 << 18, CAPACITY)
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(DamagedTaskFileError, match=str(path)):
        list(iter_extents(path))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    write_extents(tmp_path / "extents", [], 1 << 18, CAPACITY)

    with pytest.raises(DamagedTaskFileError, match="holds extents instead of parent"):
        ParentDigests(tmp_path / "extents")

"""Backups end to end, without vSphere: any point restores to the bytes of its moment."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.clock import ManualClock
from appliance.model.recovery_points import BlockMapKind
from appliance.repository import image_maps
from appliance.repository.digest_index import write_repository_index
from appliance.repository.points import list_points
from appliance.repository.repository import Repository, initialise_repository
from appliance.repository.task_files import DigestIndex
from appliance.repository.verification import iter_findings
from tests.fakes.backups import BLOCK_SIZE, DiskChange, back_up, block_of, disk_of, restore, run_id
from tests.fakes.object_stores import MemoryObjectStore

BLOCKS = 12
CAPACITY = BLOCKS * BLOCK_SIZE - 512
"""The last block is short."""

change_sets = st.dictionaries(st.integers(0, BLOCKS - 1), st.integers(0, 5), max_size=6)
histories = st.lists(change_sets, min_size=1, max_size=6)


def content_of(seeds: dict[int, int]) -> dict[int, bytes]:
    return {
        block: block_of(seed, min(BLOCK_SIZE, CAPACITY - block * BLOCK_SIZE)) for block, seed in seeds.items()
    }


def stored(disk: dict[int, bytes]) -> dict[int, bytes]:
    return {block: content for block, content in disk.items() if any(content)}


def new_repository() -> Repository:
    return initialise_repository(MemoryObjectStore(), ManualClock())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.integers(1, 7))
def test_every_point_restores_to_the_bytes_of_its_moment(
    history: list[dict[int, int]], first_deduplicated: int
) -> None:
    repository, disk = new_repository(), disk_of(CAPACITY)
    model: dict[int, bytes] = {}
    expected = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, seeds in enumerate(history, 1):
            changed = content_of(seeds)
            model |= changed
            changes = (DiskChange(disk, changed),)
            index_path = folder / f"index-{number}"
            write_repository_index(repository, list_points(repository), index_path)
            with DigestIndex(index_path) as index:
                back_up(
                    repository, run_id(number), changes, index=index if number >= first_deduplicated else None
                )
            expected.append(stored(model))

        listing = list_points(repository)
        assert [restore(repository, listed.point, folder)[0] for listed in listing.points] == expected
        assert list(iter_findings(repository)) == []


@pytest.fixture
def repository() -> Repository:
    return new_repository()


def map_kinds(repository: Repository) -> list[list[BlockMapKind]]:
    return [
        [one.kind for one in listed.point.images[0].block_maps] for listed in list_points(repository).points
    ]


def test_a_first_point_has_a_full_map_and_the_next_one_a_delta_on_top(repository: Repository) -> None:
    disk = disk_of(CAPACITY)
    back_up(repository, run_id(1), (DiskChange(disk, content_of({n: 1 + n for n in range(BLOCKS)})),))
    back_up(repository, run_id(2), (DiskChange(disk, content_of({3: 77})),))

    full, delta = BlockMapKind.FULL, BlockMapKind.DELTA
    assert map_kinds(repository) == [[full], [delta, full]]


def test_a_full_map_comes_when_deltas_outgrow_half_of_it(repository: Repository) -> None:
    disk = disk_of(CAPACITY)
    back_up(repository, run_id(1), (DiskChange(disk, content_of({n: 1 + n for n in range(BLOCKS)})),))
    for number in range(2, 6):
        seeds = {number: 50 + number, number + 1: 60 + number}
        back_up(repository, run_id(number), (DiskChange(disk, content_of(seeds)),))

    full, delta = BlockMapKind.FULL, BlockMapKind.DELTA
    assert map_kinds(repository) == [
        [full],
        [delta, full],
        [delta, delta, full],
        [delta, delta, delta, full],
        [delta, full],
    ]


def test_a_successor_of_a_point_with_both_maps_does_not_list_its_delta(repository: Repository) -> None:
    disk = disk_of(CAPACITY)
    seeds = {n: 1 + n for n in range(BLOCKS)}
    back_up(repository, run_id(1), (DiskChange(disk, content_of(seeds)),))
    second = back_up(repository, run_id(2), (DiskChange(disk, content_of(dict.fromkeys(range(9), 99))),))
    third = back_up(repository, run_id(3), (DiskChange(disk, content_of({0: 5})),))

    assert [one.kind for one in second.images[0].block_maps] == [BlockMapKind.DELTA, BlockMapKind.FULL]
    assert third.images[0].block_maps[1:] == second.images[0].block_maps[1:]


def test_a_chain_never_holds_more_than_thirty_deltas(repository: Repository, tmp_path: Path) -> None:
    disk = disk_of(200 * BLOCK_SIZE)
    model = {block: block_of(block + 1) for block in range(200)}
    back_up(repository, run_id(1), (DiskChange(disk, model),))
    for number in range(2, image_maps.MOST_DELTAS + 4):
        changed = {number: block_of(1000 + number)}
        model |= changed
        back_up(repository, run_id(number), (DiskChange(disk, changed),))

    points = [listed.point for listed in list_points(repository).points]
    chains = [len(point.images[0].block_maps) for point in points]
    assert max(chains) == image_maps.MOST_DELTAS + 1
    assert chains[-2:] == [2, 2]
    assert restore(repository, points[-1], tmp_path) == [model]


def test_a_block_that_became_zero_is_zero_in_the_new_point_only(
    repository: Repository, tmp_path: Path
) -> None:
    disk = disk_of(CAPACITY)
    first = back_up(repository, run_id(1), (DiskChange(disk, content_of({1: 1, 2: 2, 3: 3, 4: 4, 5: 5})),))
    second = back_up(repository, run_id(2), (DiskChange(disk, content_of({2: 0})),))

    assert restore(repository, first, tmp_path) == [content_of({1: 1, 2: 2, 3: 3, 4: 4, 5: 5})]
    assert restore(repository, second, tmp_path) == [content_of({1: 1, 3: 3, 4: 4, 5: 5})]


def test_another_capacity_starts_a_new_full_map(repository: Repository, tmp_path: Path) -> None:
    """Also where so little changed that no full map would be due."""
    first = content_of({block: block + 1 for block in range(BLOCKS)})
    back_up(repository, run_id(1), (DiskChange(disk_of(CAPACITY), first),))
    grown = {BLOCKS - 1: block_of(2), BLOCKS: block_of(3)}
    unchanged = {block: first[block] for block in range(BLOCKS - 1)}
    assert 2 * len(grown) < len(first)
    larger = disk_of((BLOCKS + 1) * BLOCK_SIZE)
    point = back_up(repository, run_id(2), (DiskChange(larger, grown, unchanged),))

    maps = point.images[0].block_maps
    assert [(one.kind, one.point) for one in maps] == [
        (BlockMapKind.DELTA, point.id),
        (BlockMapKind.FULL, point.id),
    ]
    assert restore(repository, point, tmp_path) == [grown | unchanged]


def test_disks_of_a_machine_have_chains_of_their_own(repository: Repository, tmp_path: Path) -> None:
    first = disk_of(CAPACITY, 2000, "6000C29a-0000-4000-8000-00000000000a")
    second = disk_of(CAPACITY, 2001, "")
    back_up(
        repository,
        run_id(1),
        (DiskChange(first, content_of({1: 1})), DiskChange(second, content_of({1: 2}))),
    )
    point = back_up(
        repository,
        run_id(2),
        (DiskChange(second, content_of({2: 3})), DiskChange(first, content_of({2: 4}))),
    )

    assert restore(repository, point, tmp_path) == [content_of({1: 2, 2: 3}), content_of({1: 1, 2: 4})]

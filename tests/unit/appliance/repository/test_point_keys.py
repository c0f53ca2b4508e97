from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import ManualClock
from appliance.model.identifiers import RecoveryPointId
from appliance.repository.layout import MANIFESTS, TOMBSTONES
from appliance.repository.point_keys import PointIds, list_point_keys, read_point
from appliance.repository.repository import Repository, initialise_repository
from appliance.storage import ObjectMissingError
from tests.fakes.object_stores import MemoryObjectStore


@pytest.fixture
def repository() -> Repository:
    return initialise_repository(MemoryObjectStore(), ManualClock())


def put(repository: Repository, key: str) -> None:
    repository.store.put_new(key, b"never read")


def ids_of(repository: Repository) -> dict[str, tuple[str, ...]]:
    return {machine: ids.newest_first() for machine, ids in list_point_keys(repository).by_machine.items()}


def test_points_are_told_from_their_keys_newest_first(repository: Repository) -> None:
    for name in ("v.a/20260102T0Z-1", "v.b/20260103T0Z-9", "v.a/20260101T0Z-2"):
        put(repository, f"{MANIFESTS}{name}.json")

    assert ids_of(repository) == {
        "v.a": ("20260102T0Z-1", "20260101T0Z-2"),
        "v.b": ("20260103T0Z-9",),
    }


def test_a_retired_point_is_left_out_and_so_is_a_machine_without_others(repository: Repository) -> None:
    for name in ("v.a/1", "v.a/2", "v.b/3"):
        put(repository, f"{MANIFESTS}{name}.json")
    for name in ("v.a/1", "v.b/3"):
        put(repository, f"{TOMBSTONES}{name}.json")

    assert ids_of(repository) == {"v.a": ("2",)}


@given(st.frozensets(st.from_regex(r"[0-9]{4,8}T[0-9]{6}Z-[0-9a-f]{8}", fullmatch=True)))
def test_packed_ids_are_the_same_ids(ids: frozenset[str]) -> None:
    packed = PointIds.of(map(RecoveryPointId, ids))

    assert packed.newest_first() == tuple(sorted(ids, reverse=True))
    assert len(packed) == len(ids)


def test_a_point_that_is_not_there_is_missing(repository: Repository) -> None:
    with pytest.raises(ObjectMissingError):
        read_point(repository, "v.a", RecoveryPointId("1"))

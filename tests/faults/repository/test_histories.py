"""The test that guards the design.

For random change histories and a crash at any store call of any run, restoring any listed recovery point
yields the disk's bytes at that moment.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.clock import ManualClock
from appliance.repository.digest_index import write_repository_index
from appliance.repository.points import ListedPoint, list_points
from appliance.repository.repository import initialise_repository, open_repository
from appliance.repository.retirement import delete_committed_drafts
from appliance.repository.task_files import DigestIndex
from appliance.repository.verification import iter_findings
from appliance.storage import ObjectStore
from tests.fakes.backups import BLOCK_SIZE, DiskChange, back_up, block_of, disk_of, restore, run_id
from tests.fakes.object_stores import Crash, Fault, FaultyObjectStore, MemoryObjectStore

BLOCKS = 10
DISK = disk_of(BLOCKS * BLOCK_SIZE - 1024)

runs = st.lists(
    st.tuples(
        st.dictionaries(st.integers(0, BLOCKS - 1), st.integers(0, 6), max_size=5),
        st.lists(st.tuples(st.integers(1, 90), st.booleans()), max_size=3),
    ),
    min_size=1,
    max_size=5,
)


def content_of(seeds: dict[int, int]) -> dict[int, bytes]:
    capacity = DISK.capacity
    return {n: block_of(seed, min(BLOCK_SIZE, capacity - n * BLOCK_SIZE)) for n, seed in seeds.items()}


def attempt(store: ObjectStore, number: int, changed: dict[int, bytes], folder: Path) -> None:
    """One attempt of a run, as the engine makes it: under a lease, with an index of what is known."""
    repository = open_repository(store)
    path = folder / "index"
    write_repository_index(repository, list_points(repository), path)
    with DigestIndex(path) as index:
        path.unlink()
        back_up(repository, run_id(number), (DiskChange(DISK, changed),), index=index)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs)
def test_every_listed_point_restores_to_the_bytes_of_its_moment_whatever_died(
    history: list[tuple[dict[int, int], list[tuple[int, bool]]]],
) -> None:
    store = MemoryObjectStore()
    initialise_repository(store, ManualClock())
    model: dict[int, bytes] = {}
    expected: dict[str, dict[int, bytes]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (seeds, crashes) in enumerate(history, 1):
            changed = content_of(seeds)
            model |= changed
            expected[run_id(number)] = {n: content for n, content in model.items() if any(content)}
            for call, after in crashes:
                if is_listed(store, number):
                    break
                faulty = FaultyObjectStore(store, {call: Fault(Crash(), after)})
                try:
                    attempt(faulty, number, changed, folder)
                except Crash:
                    check(store, expected, folder)
                    (folder / "index").unlink(missing_ok=True)
                    give_up_complete_draft(store, number)
            if not is_listed(store, number):
                attempt(store, number, changed, folder)
            check(store, expected, folder)
        assert [str(listed.point.id) for listed in points(store)] == list(expected)


def points(store: ObjectStore) -> tuple[ListedPoint, ...]:
    return list_points(open_repository(store)).points


def is_listed(store: ObjectStore, number: int) -> bool:
    return any(str(listed.point.id) == run_id(number) for listed in points(store))


def give_up_complete_draft(store: MemoryObjectStore, number: int) -> None:
    """`back_up` always reads; a complete draft of a dead attempt would be committed instead."""
    delete_committed_drafts(open_repository(store))
    for key in [key for key in store.objects if key.startswith(f"drafts/{run_id(number)}/")]:
        if key.endswith("/draft.json"):
            store.delete(key)


def check(store: MemoryObjectStore, expected: dict[str, dict[int, bytes]], folder: Path) -> None:
    repository = open_repository(store)
    assert list(iter_findings(repository)) == []
    for listed in points(store):
        assert restore(repository, listed.point, folder) == [expected[listed.point.id]]

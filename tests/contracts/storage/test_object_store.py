"""What every `ObjectStore` promises; each implementation and each fake runs it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from appliance.storage import (
    FileSystemStore,
    InvalidKeyError,
    ObjectExistsError,
    ObjectMissingError,
    ObjectStore,
)
from tests.fakes.object_stores import FaultyObjectStore, MemoryObjectStore


@pytest.fixture(params=["file system", "memory", "faulty without faults"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    stores: dict[str, ObjectStore] = {
        "file system": FileSystemStore(tmp_path),
        "memory": MemoryObjectStore(),
        "faulty without faults": FaultyObjectStore(MemoryObjectStore()),
    }
    return stores[request.param]


def keys(store: ObjectStore, prefix: str = "") -> list[str]:
    return [found.key for found in store.list(prefix)]


def test_an_object_reads_as_it_was_put(store: ObjectStore) -> None:
    store.put_new("segments/ab/abcd", b"0123456789")

    assert store.read("segments/ab/abcd") == b"0123456789"
    assert store.read("segments/ab/abcd", 3) == b"3456789"
    assert store.read("segments/ab/abcd", 3, 4) == b"3456"
    assert store.read("segments/ab/abcd", 8, 100) == b"89"
    assert store.read("segments/ab/abcd", 10, 1) == b""
    assert store.read("segments/ab/abcd", 11) == b""


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    store.put_new("empty", b"")

    assert store.read("empty") == b""
    assert keys(store) == ["empty"]


def test_reading_into_memory_stops_where_the_object_ends(store: ObjectStore) -> None:
    store.put_new("a", b"0123456789")
    destination = bytearray(b"........")

    assert store.read_into("a", 6, memoryview(destination)) == 4
    assert destination == b"6789...."
    assert store.read_into("a", 0, memoryview(destination)) == 8
    assert destination == b"01234567"


def test_a_key_is_never_overwritten(store: ObjectStore) -> None:
    store.put_new("manifests/a/b.json", b"first")

    with pytest.raises(ObjectExistsError, match=r"manifests/a/b\.json"):
        store.put_new("manifests/a/b.json", b"second")
    with store.open_new("manifests/a/b.json") as new_object:
        new_object.append(b"third")
        with pytest.raises(ObjectExistsError):
            new_object.commit()
    assert store.read("manifests/a/b.json") == b"first"


def test_a_large_object_appears_when_it_is_committed_and_not_before(store: ObjectStore) -> None:
    with store.open_new("large") as new_object:
        new_object.append(b"one ")
        new_object.append(memoryview(b"two"))
        assert store.information("large") is None
        assert keys(store) == []
        new_object.commit()
        assert store.read("large") == b"one two"
    assert keys(store) == ["large"]


def test_memory_may_be_reused_as_soon_as_it_was_appended(store: ObjectStore) -> None:
    memory = bytearray(b"first")
    with store.open_new("large") as new_object:
        new_object.append(memoryview(memory))
        memory[:] = b"other"
        new_object.commit()

    assert store.read("large") == b"first"


def test_an_object_that_was_not_committed_leaves_nothing(store: ObjectStore) -> None:
    with store.open_new("large") as new_object:
        new_object.append(b"half")

    assert keys(store) == []
    store.put_new("large", b"whole")


def test_what_is_not_there_is_missing(store: ObjectStore) -> None:
    store.put_new("there", b"")

    for key in ("nowhere", "no/where", "there/below"):
        assert store.information(key) is None
        with pytest.raises(ObjectMissingError, match=key):
            store.read(key)
        with pytest.raises(ObjectMissingError, match=key):
            store.read_into(key, 0, memoryview(bytearray(1)))
        store.delete(key)


def test_a_listing_has_every_object_below_the_prefix_in_order_of_keys(store: ObjectStore) -> None:
    everything = ["a-b/c", "a.b", "a/b/1", "a/b/2", "a/c", "a0/x", "b"]
    for key in reversed(everything):
        store.put_new(key, key.encode())

    assert keys(store) == everything
    assert keys(store, "a/") == ["a/b/1", "a/b/2", "a/c"]
    assert keys(store, "a/b/") == ["a/b/1", "a/b/2"]
    assert keys(store, "nowhere/") == []
    assert [found.length for found in store.list("a/")] == [5, 5, 3]


def test_information_says_what_the_listing_says(store: ObjectStore) -> None:
    store.put_new("a/b", b"12345")

    (listed,) = store.list("a/")
    assert store.information("a/b") == listed
    assert listed.length == 5
    assert listed.modified.tzinfo is not None


def test_a_deleted_object_is_gone_and_its_key_free(store: ObjectStore) -> None:
    store.put_new("a/b", b"first")
    store.delete("a/b")

    assert keys(store) == []
    assert store.information("a/b") is None
    store.delete("a/b")
    store.put_new("a/b", b"second")
    assert store.read("a/b") == b"second"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        "a/./b",
        ".hidden",
        "a/.b",
        "a b",
        "é",
        "a\\b",
        "a\nb",
        "temporary/a",
        "x" * 256,
        "/".join(["x" * 200] * 6),
    ],
)
def test_what_is_not_a_key_is_refused_everywhere(store: ObjectStore, key: str) -> None:
    with pytest.raises(InvalidKeyError):
        store.put_new(key, b"")
    with pytest.raises(InvalidKeyError):
        store.read(key)
    with pytest.raises(InvalidKeyError):
        store.information(key)
    with pytest.raises(InvalidKeyError):
        store.delete(key)
    with pytest.raises(InvalidKeyError), store.open_new(key):
        pass


def test_of_many_writers_of_one_key_exactly_one_wins(store: ObjectStore) -> None:
    barrier = threading.Barrier(8)
    winners: list[int] = []

    def put(number: int) -> None:
        barrier.wait()
        try:
            store.put_new("contested", str(number).encode())
        except ObjectExistsError:
            return
        winners.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(winners) == 1
    assert store.read("contested") == str(winners[0]).encode()


def test_free_space_is_a_number_or_not_known(store: ObjectStore) -> None:
    free = store.free_space()

    assert free is None or free > 0

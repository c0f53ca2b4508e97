"""Object stores for tests: one in memory, and one that fails where a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from appliance.clock import Clock
from appliance.storage import (
    NewObject,
    ObjectExistsError,
    ObjectInformation,
    ObjectMissingError,
    ObjectStore,
    check_key,
)


@dataclass(slots=True)
class _MemoryObject:
    """An object that is being written to memory."""

    store: MemoryObjectStore
    key: str
    content: bytearray = field(default_factory=bytearray)

    def append(self, content: memoryview | bytes) -> None:
        self.content += content

    def commit(self) -> None:
        if self.key in self.store.objects:
            raise ObjectExistsError(self.key)
        self.store.objects[self.key] = bytes(self.content)


@dataclass(slots=True)
class MemoryObjectStore:
    """Objects in a dict; `objects` may be looked at and damaged by a test."""

    objects: dict[str, bytes] = field(default_factory=dict)
    modified: datetime = datetime(2026, 11, 22, tzinfo=UTC)
    """The store's clock: what every object is said to have been modified at."""

    def put_new(self, key: str, content: bytes) -> None:
        with self.open_new(key) as new_object:
            new_object.append(content)
            new_object.commit()

    @contextmanager
    def open_new(self, key: str) -> Iterator[NewObject]:
        check_key(key)
        yield _MemoryObject(self, key)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        check_key(key)
        if key not in self.objects:
            raise ObjectMissingError(key)
        return self.objects[key][offset : None if length is None else offset + length]

    def read_into(self, key: str, offset: int, destination: memoryview) -> int:
        content = self.read(key, offset, len(destination))
        destination[: len(content)] = content
        return len(content)

    def information(self, key: str) -> ObjectInformation | None:
        check_key(key)
        if key not in self.objects:
            return None
        return ObjectInformation(key, len(self.objects[key]), self.modified)

    def list(self, prefix: str) -> Iterator[ObjectInformation]:
        if prefix:
            check_key(prefix.removesuffix("/"))
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield ObjectInformation(key, len(self.objects[key]), self.modified)

    def delete(self, key: str) -> None:
        check_key(key)
        self.objects.pop(key, None)

    def free_space(self) -> int | None:
        return None

    def remove_leftovers(self, clock: Clock) -> int:
        return 0


class Crash(BaseException):
    """The process dies here: not an `Exception`, so that nothing handles it by accident."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at one call: `error` is raised before the call takes effect, or after it did."""

    error: BaseException
    after: bool = False


@dataclass(slots=True)
class FaultyObjectStore:
    """Passes every call on and counts it; the n-th one (from 1) meets the fault that `faults` holds for n.

    After a `Crash` every further call crashes too: a dead process does nothing more. Calls are counted
    over all methods, an object's `append` and `commit` included, and kept in `calls` by name and key.
    """

    store: ObjectStore
    faults: dict[int, Fault] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    crashed: bool = False

    @contextmanager
    def _call(self, name: str, key: str) -> Iterator[None]:
        if self.crashed:
            raise Crash
        self.calls.append(f"{name} {key}")
        fault = self.faults.get(len(self.calls))
        if fault is not None:
            self.crashed = isinstance(fault.error, Crash)
            if not fault.after:
                raise fault.error
        yield
        if fault is not None:
            raise fault.error

    def put_new(self, key: str, content: bytes) -> None:
        with self._call("put_new", key):
            self.store.put_new(key, content)

    @contextmanager
    def open_new(self, key: str) -> Iterator[NewObject]:
        with self._call("open_new", key):
            opening = self.store.open_new(key)
        with opening as new_object:
            yield _FaultyNewObject(self, new_object, key)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        with self._call("read", key):
            return self.store.read(key, offset, length)

    def read_into(self, key: str, offset: int, destination: memoryview) -> int:
        with self._call("read_into", key):
            return self.store.read_into(key, offset, destination)

    def information(self, key: str) -> ObjectInformation | None:
        with self._call("information", key):
            return self.store.information(key)

    def list(self, prefix: str) -> Iterator[ObjectInformation]:
        with self._call("list", prefix):
            found = list(self.store.list(prefix))
        yield from found

    def delete(self, key: str) -> None:
        with self._call("delete", key):
            self.store.delete(key)

    def free_space(self) -> int | None:
        with self._call("free_space", ""):
            return self.store.free_space()

    def remove_leftovers(self, clock: Clock) -> int:
        with self._call("remove_leftovers", ""):
            return self.store.remove_leftovers(clock)


@dataclass(slots=True)
class _FaultyNewObject:
    """An object of a faulty store that is being written."""

    faulty: FaultyObjectStore
    new_object: NewObject
    key: str

    def append(self, content: memoryview | bytes) -> None:
        with self.faulty._call("append", self.key):
            self.new_object.append(content)

    def commit(self) -> None:
        with self.faulty._call("commit", self.key):
            self.new_object.commit()

"""The one way to the bytes of a repository.

Keys are `/`-separated words of `[A-Za-z0-9._-]`. An object is written once and never changed; whatever
returns from a write is durable (file system: data and directory entry synced).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectInformation:
    """What a listing says; `modified` is the store's own clock."""

    key: str
    length: int
    modified: datetime


class NewObject(Protocol):
    """An object that is being written and that nobody can see yet. Calls may come from several threads."""

    def write_at(self, offset: int, content: memoryview | bytes) -> None:
        """Put `content` at `offset`; ranges never overlap, and all are written before `commit`.

        Raises:
            RepositoryFullError: the store has no space left.
            RepositoryError: the store failed.
        """
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """What was written there: to hash an object in order that was written out of order."""
        ...

    def commit(self) -> None:
        """Make the object durable, then visible under its key, if and only if no such key exists.

        Raises:
            ObjectExistsError: the key exists; nothing was changed.
            RepositoryError: the store failed; the object is not visible.
        """
        ...


class ObjectStore(Protocol):
    """A store of immutable objects. Every method may be called from any thread."""

    def put_new(self, key: str, content: bytes) -> None:
        """Create one object, durable on return.

        Raises:
            ObjectExistsError: the key exists already; the old object is untouched.
            RepositoryFullError: no space left; nothing is visible.
            RepositoryError: the store failed; nothing is visible.
        """
        ...

    def open_new(self, key: str) -> AbstractContextManager[NewObject]:
        """Begin one large object. Leaving the context without `commit` leaves nothing behind."""
        ...

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """`length` bytes from `offset`, to the end without `length`; fewer only where the object ends.

        Raises:
            ObjectMissingError: no such object.
            RepositoryError: the store failed.
        """
        ...

    def read_into(self, key: str, offset: int, destination: memoryview) -> int:
        """Fill `destination`; the number of bytes, less than its length only where the object ends."""
        ...

    def information(self, key: str) -> ObjectInformation | None:
        """What a listing would say of `key`, or None where it does not exist."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInformation]:
        """Every object whose key starts with `prefix`, in the order of their keys.

        Raises:
            RepositoryError: the listing could not be completed (a partial listing is never returned).
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; no error where it is gone already."""
        ...

    def free_space(self) -> int | None:
        """Bytes left for writing, or None where the store has no such number."""
        ...

"""The one way to the bytes of a repository.

Keys are `/`-separated words of `[A-Za-z0-9._-]`. An object is written once and never changed; whatever
returns from a write is durable (file system: data and directory entry synced).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from appliance.clock import Clock
from appliance.storage.errors import InvalidKeyError

LONGEST_KEY = 1024
RESERVED_WORD = "temporary"
_WORD = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"
_KEY = re.compile(rf"(?!{RESERVED_WORD}(?:/|$)){_WORD}(?:/{_WORD})*")


def is_key(text: str) -> bool:
    """Whether `text` may name an object."""
    return len(text) <= LONGEST_KEY and _KEY.fullmatch(text) is not None


def check_key(key: str) -> None:
    """Refuse what is not a key: an implementation may build paths from what passes.

    Raises:
        InvalidKeyError: the text is empty, too long, or has a word that is not allowed.
    """
    if not is_key(key):
        raise InvalidKeyError(f"not an object key: {key!r}")


@dataclass(frozen=True, slots=True)
class ObjectInformation:
    """What a listing says; `modified` is the store's own clock."""

    key: str
    length: int
    modified: datetime


class NewObject(Protocol):
    """An object that is being written, front to back, and that nobody can see yet.

    Calls may come from different threads, but never two at once.
    """

    def append(self, content: memoryview | bytes) -> None:
        """Put `content` behind what is there; it may be reused as soon as the call returns.

        Raises:
            RepositoryFullError: the store has no space left.
            RepositoryError: the store failed.
        """
        ...

    def commit(self) -> None:
        """Make the object durable, then visible under its key, if and only if no such key exists.

        Raises:
            ObjectExistsError: the key exists; nothing was changed.
            RepositoryFullError: the store has no space left; the object is not visible.
            RepositoryError: the store failed; the object is not visible.
        """
        ...


class ObjectStore(Protocol):
    """A store of immutable objects. Every method may be called from any thread.

    Every method raises `InvalidKeyError` for what is not a key, and `RepositoryError` (or one of its
    kinds) where the store fails.
    """

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
        """
        ...

    def read_into(self, key: str, offset: int, destination: memoryview) -> int:
        """Fill `destination`; the number of bytes, less than its length only where the object ends.

        Raises:
            ObjectMissingError: no such object.
        """
        ...

    def information(self, key: str) -> ObjectInformation | None:
        """What a listing would say of `key`, or None where it does not exist."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInformation]:
        """Every object whose key starts with `prefix`, in the order of their keys.

        `prefix` is empty or ends with `/`.

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

    def remove_leftovers(self, clock: Clock) -> int:
        """Remove what processes that died left half-written and nobody can see; how many there were."""
        ...

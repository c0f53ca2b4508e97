"""Where sessions outlive the process that serves: memory that a parent and its children share.

Gunicorn replaces a worker that was killed; the new one finds the sessions where the old one has left them.
Nothing is written to any disk, and the memory is gone with the last process of the console.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_DIGEST_LENGTH = hashlib.sha256().digest_size


class SessionMemory(Protocol):
    """Keeps one value."""

    def load(self) -> bytes:
        """What was saved last, or nothing."""
        ...

    def save(self, content: bytes) -> None:
        """Keep this instead of what was kept."""
        ...


class NoMemory:
    """Implements `SessionMemory` for a console of one process: its sessions end with it."""

    def load(self) -> bytes:
        """Nothing."""
        return b""

    def save(self, content: bytes) -> None:
        """Forget it."""


class SharedMemory:
    """Implements `SessionMemory` by an anonymous file (memfd_create(2)) that children inherit by fork.

    A process may be killed while it writes. Its half of a value has a digest of another one and counts as
    nothing: then everybody signs in again.
    """

    def __init__(self, file: int) -> None:
        self._file = file

    def load(self) -> bytes:
        """See `SessionMemory`."""
        stored = os.pread(self._file, os.fstat(self._file).st_size, 0)
        digest, content = stored[:_DIGEST_LENGTH], stored[_DIGEST_LENGTH:]
        return content if hashlib.sha256(content).digest() == digest else b""

    def save(self, content: bytes) -> None:
        """See `SessionMemory`."""
        stored = hashlib.sha256(content).digest() + content
        os.pwrite(self._file, stored, 0)
        os.ftruncate(self._file, len(stored))


@contextmanager
def shared_memory() -> Iterator[SharedMemory]:
    """Memory for this process and those it forks while the context is open."""
    file = os.memfd_create("keepline-sessions")
    try:
        yield SharedMemory(file)
    finally:
        os.close(file)

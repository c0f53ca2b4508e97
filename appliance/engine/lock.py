"""Exactly one engine for a state folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.engine.errors import EngineLockError, EngineRunningError

LOCK_FILE = "engine.lock"


class EngineLock:
    """The right to be the engine: a lock the kernel gives back when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the engine while the context is open.

        Raises:
            EngineRunningError: another process is.
            EngineLockError: the lock file cannot be used.
        """
        descriptor = self._open()
        try:
            self._lock(descriptor)
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
            try:
                yield
            finally:
                os.truncate(descriptor, 0)
        finally:
            os.close(descriptor)

    def holder(self) -> int | None:
        """The process id the last engine wrote, or None after it has left in order."""
        try:
            return int(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EngineLockError(f"cannot open {self._path}: {error.strerror}") from error

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EngineRunningError(str(self._path.parent), self.holder()) from error
        except OSError as error:
            raise EngineLockError(f"cannot lock {self._path}: {error.strerror}") from error

"""The lock a mover holds as long as it lives: how a later engine knows whether it is gone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.errors import ApplianceStateError

_MODE = 0o600


class LockHeldError(ApplianceStateError):
    """Another mover of the same attempt is alive."""

    code = "KL-6051"
    remedy = "Wait for the other mover to end; the run is then tried again by itself."
    transient = True


class LockFolderError(ApplianceStateError):
    """The lock file cannot be made."""

    code = "KL-6052"


@contextmanager
def held_lock(path: Path) -> Iterator[None]:
    """Hold `flock` on `path`, with this process's id written into it, while the context is open.

    Raises:
        LockHeldError: somebody else holds it.
        LockFolderError: the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise LockFolderError(f"cannot make the lock file {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
        path.unlink(missing_ok=True)
    except BlockingIOError as error:
        raise LockHeldError(f"another mover holds {path}") from error
    finally:
        os.close(descriptor)

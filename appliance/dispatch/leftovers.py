"""Movers that outlived their engine: found by the locks they hold, waited for, then killed.

A mover holds `flock` on a file named by its run as long as it lives, and has written its process id into
it. The kernel gives the lock back with the process, so a lock that can be had is proof of a dead mover.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.clock import Clock
from appliance.dispatch.errors import MoverStalledError

logger = logging.getLogger(__name__)

LOCK_SUFFIX: Final = ".lock"
_POLL_SECONDS: Final = 0.1


def lock_file_of(lock_folder: Path, run: str, attempt: int, task: str) -> Path:
    """Where the mover of one task of one attempt of a run holds its lock; `task` is a word, `disk-2000`."""
    return lock_folder / f"{run}.{attempt}.{task}{LOCK_SUFFIX}"


def wait_for_movers_gone(
    lock_folder: Path, run: str, clock: Clock, grace_seconds: float = 10.0, kill_seconds: float = 30.0
) -> None:
    """Return when no mover of `run` is alive; their lock files are gone then.

    Their input ended with their engine, which ends them; whoever still holds after `grace_seconds` is
    killed. Nobody else is touched.

    Raises:
        MoverStalledError: a killed mover is still there after `kill_seconds` (the kernel waits for a device).
    """
    asked_at = clock.elapsed_seconds()
    while holders := [path for path in _lock_files(lock_folder, run) if not _remove_if_free(path)]:
        waited = clock.elapsed_seconds() - asked_at
        if waited > grace_seconds + kill_seconds:
            raise MoverStalledError(
                f"movers of run {run} do not end: {', '.join(path.name for path in holders)}"
            )
        if waited > grace_seconds:
            for path in holders:
                _kill_holder(path)
        clock.sleep(_POLL_SECONDS)


def _lock_files(lock_folder: Path, run: str) -> Iterator[Path]:
    return lock_folder.glob(f"{run}.*{LOCK_SUFFIX}")


def _remove_if_free(path: Path) -> bool:
    """Whether nobody holds the lock; its file is removed then."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _kill_holder(path: Path) -> None:
    """Kill the process that wrote its id into the file, if it still holds the lock.

    The id is pinned by a pidfd first and the lock looked at again: an id that was given to another
    process in between is never signalled.
    """
    try:
        process_id = int(path.read_text())
        pinned = os.pidfd_open(process_id)
    except (OSError, ValueError):
        return  # gone, or not yet written: the next round sees
    try:
        if not _remove_if_free(path):
            signal.pidfd_send_signal(pinned, signal.SIGKILL)
            logger.warning("leftover mover killed", extra={"process_id": process_id, "lock": path.name})
    except ProcessLookupError:
        return
    finally:
        os.close(pinned)

"""Waiting for what another process or thread will bring about; no test asserts how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 120.0


def wait_until(happened: Callable[[], object], what: str = "it happened") -> None:
    """Return when `happened` says something.

    Raises:
        AssertionError: it does not happen.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)

"""Being asked to stop: a flag that is looked at between two steps, never an exception within one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopFlag:
    """Whether a signal has asked this process to stop."""

    def __init__(self) -> None:
        self.is_set = False

    def set(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """The signal handler: nothing but an assignment."""
        self.is_set = True


@contextmanager
def stop_flag() -> Iterator[StopFlag]:
    """Turn Ctrl-C, SIGTERM and a closed terminal into a flag while the context is open (main thread only)."""
    flag = StopFlag()
    before = {number: signal.signal(number, flag.set) for number in STOPPING_SIGNALS}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

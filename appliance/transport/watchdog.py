"""Calls into a foreign library that must come back, and what happens when one does not.

A thread inside a hanging C call cannot be interrupted or ended: all that is left is to say so and end the
process, which is why the owner of the process passes in how.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from appliance.clock import Clock
from appliance.transport.errors import TransportHangError

_LOOKS_PER_LIMIT: Final = 10
_LONGEST_PAUSE_SECONDS: Final = 1.0


class CallWatchdog:
    """Watches calls of any number of threads; a context manager around the time in which it looks.

    `on_hang` is called once, on the watchdog's thread, with the error; it usually ends the process.
    """

    def __init__(
        self, clock: Clock, limit_seconds: float, on_hang: Callable[[TransportHangError], None]
    ) -> None:
        self._clock = clock
        self._limit_seconds = limit_seconds
        self._on_hang = on_hang
        self._calls: dict[int, tuple[str, float]] = {}
        self._numbers = itertools.count()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look_until_stopped, name="call-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    @contextmanager
    def watching(self, call: str) -> Iterator[None]:
        """The context must be left before the limit; `call` says what hangs otherwise."""
        number = next(self._numbers)
        self._calls[number] = (call, self._clock.elapsed_seconds())
        try:
            yield
        finally:
            del self._calls[number]

    def overdue(self) -> TransportHangError | None:
        """The error about the oldest call past its limit, if there is one."""
        now = self._clock.elapsed_seconds()
        for call, started in tuple(self._calls.values()):
            if now - started > self._limit_seconds:
                return TransportHangError(f"{call} has not come back for {self._limit_seconds:.0f} seconds")
        return None

    def _look_until_stopped(self) -> None:
        pause = min(self._limit_seconds / _LOOKS_PER_LIMIT, _LONGEST_PAUSE_SECONDS)
        while not self._stopped.wait(pause):
            if error := self.overdue():
                self._on_hang(error)
                return

"""Counts what the library was asked to do, cheaply enough to stay switched on."""

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FunctionStatistics:
    """Totals of one function: calls, bytes moved by them, seconds spent inside the calls."""

    calls: int
    bytes: int
    seconds: float


class CallStatistics:
    """Totals per function; any thread may record and look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[str, list[int]] = {}

    def record(self, function: str, nanoseconds: int, moved_bytes: int) -> None:
        """Add one call that lasted `nanoseconds` and moved `moved_bytes`."""
        with self._lock:
            totals = self._totals.setdefault(function, [0, 0, 0])
            totals[0] += 1
            totals[1] += moved_bytes
            totals[2] += nanoseconds

    def add_bytes(self, function: str, moved_bytes: int) -> None:
        """Add what an asynchronous call, counted when it was queued, has moved at last."""
        with self._lock:
            self._totals.setdefault(function, [0, 0, 0])[1] += moved_bytes

    def totals(self) -> dict[str, FunctionStatistics]:
        """Return the totals so far, by function name."""
        with self._lock:
            return {
                name: FunctionStatistics(calls, moved_bytes, nanoseconds / 1e9)
                for name, (calls, moved_bytes, nanoseconds) in self._totals.items()
            }

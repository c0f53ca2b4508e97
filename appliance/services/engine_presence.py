"""Whether anybody carries out what is queued."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

PROCESSES = Path("/proc")


class EnginePresence:
    """Looks at who the engine says it is; `holder` gives its process id, None after it left in order."""

    def __init__(self, holder: Callable[[], int | None], processes: Path = PROCESSES) -> None:
        self._holder = holder
        self._processes = processes

    def is_running(self) -> bool:
        """Whether the process that was the engine last is still there: a crashed one leaves its id."""
        holder = self._holder()
        return holder is not None and (self._processes / str(holder)).exists()

"""Where movers hold their locks, and how movers of a dead engine are brought to an end."""

from __future__ import annotations

from pathlib import Path

from appliance.clock import Clock
from appliance.dispatch import lock_file_of, wait_for_movers_gone
from appliance.model.identifiers import RunId


class FolderMoverLocks:
    """Implements `run_context.MoverLocks` with files of one folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def lock_file(self, run: RunId, attempt: int, task: str) -> Path:
        """See `MoverLocks`."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return lock_file_of(self._folder, run, attempt, task)

    def wait_until_gone(self, run: RunId) -> None:
        """See `MoverLocks`."""
        wait_for_movers_gone(self._folder, run, self._clock)

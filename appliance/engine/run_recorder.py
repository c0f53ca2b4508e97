"""The sink of one run: keeps its progress in memory and its messages in the run log."""

from __future__ import annotations

import threading

from appliance.clock import Clock
from appliance.model.disk_progress import DiskProgress
from appliance.model.runs import Run, RunLogLine, RunProgress
from appliance.state import RunLogStore, RunStore

SAVE_SECONDS = 1.0


class RunRecorder:
    """Implements `ProgressSink`: cheap to call from many threads, written down by the engine's loop.

    Only `message` writes at once: what the operator must know survives a crash in the next instant.
    """

    def __init__(self, run: Run, runs: RunStore, log: RunLogStore, clock: Clock) -> None:
        self._run = run
        self._runs = runs
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._phase = run.phase
        self._disks: dict[str, DiskProgress] = {}
        self._saved_at: float | None = None

    def phase(self, name: str) -> None:
        """See `ProgressSink.phase`."""
        with self._lock:
            self._phase = name

    def disk(self, progress: DiskProgress) -> None:
        """See `ProgressSink.disk`."""
        with self._lock:
            self._disks[progress.disk] = progress

    def message(self, text: str, *, warning: bool = False) -> None:
        """See `ProgressSink.message`."""
        self._log.append(self._run.id, RunLogLine(self._clock.now(), text, warning))

    def save_when_due(self) -> bool:
        """Write the progress down unless that was done within the last second; whether to cancel."""
        now = self._clock.elapsed_seconds()
        if self._saved_at is not None and now - self._saved_at < SAVE_SECONDS:
            return False
        self._saved_at = now
        return self.save()

    def save(self) -> bool:
        """Write the progress down; whether somebody asked to cancel the run."""
        with self._lock:
            phase, progress = self._phase, RunProgress(tuple(self._disks.values()))
        return self._runs.save_progress(self._run, phase, progress)

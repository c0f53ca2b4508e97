"""Progress leaves a run sideways: whoever works calls a sink, whoever watches implements one."""

from __future__ import annotations

from typing import Protocol

from appliance.model.disk_progress import DiskProgress


class ProgressSink(Protocol):
    """Takes what a run has to say while it works. Called often and from any thread; must not block."""

    def phase(self, name: str) -> None:
        """A new phase of the run begins (`snapshot`, `read`, `commit`, …)."""
        ...

    def disk(self, progress: DiskProgress) -> None:
        """One disk has moved on."""
        ...

    def message(self, text: str, *, warning: bool = False) -> None:
        """Something the operator must know: it goes into the run's log."""
        ...


class SilentProgress:
    """A sink that nobody watches."""

    def phase(self, name: str) -> None:
        """Drop it."""

    def disk(self, progress: DiskProgress) -> None:
        """Drop it."""

    def message(self, text: str, *, warning: bool = False) -> None:
        """Drop it."""

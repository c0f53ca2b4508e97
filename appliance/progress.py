"""Progress leaves a run sideways: whoever works calls a sink, whoever watches implements one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DiskProgress:
    """How far the task of one disk has come; all in bytes, counted from the task's start.

    `planned` is what will be looked at in all, `done` what has been looked at (read, or skipped with a
    reason), `read` what was read from the disk, `stored` what was newly stored, `deduplicated` what
    was found in the repository, `written` what was written by a restore.
    """

    disk: str
    planned: int
    done: int
    read: int = 0
    stored: int = 0
    deduplicated: int = 0
    written: int = 0


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

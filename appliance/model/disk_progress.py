"""How far one disk has come."""

from __future__ import annotations

from dataclasses import dataclass


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

"""What workers have done so far, counted without locks: each has its own tally, the watcher adds them up."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from appliance.model.disk_progress import DiskProgress
from appliance.model.recovery_points import DiskStatistics


@dataclass(slots=True)
class Tally:
    """Bytes one worker has dealt with. Only its own thread changes it."""

    done: int = 0
    read: int = 0
    stored: int = 0
    deduplicated: int = 0
    zero: int = 0
    unchanged: int = 0
    written: int = 0
    read_back: int = 0


class TaskTally:
    """The tallies of all workers of one task, and what the task set out to do."""

    def __init__(self, disk: str) -> None:
        self._disk: Final = disk
        self._tallies: Final[list[Tally]] = []
        self.planned = 0

    def new_worker(self) -> Tally:
        """A tally for one thread."""
        tally = Tally()
        self._tallies.append(tally)
        return tally

    def total(self) -> Tally:
        """The sum at this moment; a worker in mid-step may be counted in part."""
        tallies = tuple(self._tallies)
        return Tally(*(sum(getattr(tally, field.name) for tally in tallies) for field in fields(Tally)))

    def progress(self) -> DiskProgress:
        """The sum as what watchers see."""
        total = self.total()
        return DiskProgress(
            disk=self._disk,
            planned=self.planned,
            done=total.done,
            read=total.read,
            stored=total.stored,
            deduplicated=total.deduplicated,
            written=total.written,
        )

    def statistics(self) -> DiskStatistics:
        """The sum as what a point keeps."""
        total = self.total()
        return DiskStatistics(
            examined=total.done,
            read=total.read,
            stored=total.stored,
            deduplicated=total.deduplicated,
            zero=total.zero,
            unchanged=total.unchanged,
        )

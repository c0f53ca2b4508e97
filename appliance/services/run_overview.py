"""How far a run is, as people ask for it: share, speed, time left, phases. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.model.disk_progress import DiskProgress
from appliance.model.runs import Run, RunKind, RunState

PHASES: dict[RunKind, tuple[str, ...]] = {
    RunKind.BACKUP: ("prepare", "snapshot", "read", "remove snapshot", "commit"),
    RunKind.RESTORE_DISK: ("plan", "write"),
    RunKind.RESTORE_MACHINE: ("plan", "create", "write", "power on"),
    RunKind.VERIFY: ("structure", "read"),
    RunKind.CHECK_REPOSITORY: ("structure", "read"),
}
"""What a run of each kind passes through; a phase that is not needed is passed at once."""

SETTLED = timedelta(seconds=3)
"""A speed measured over less says nothing about the time left."""


class PhaseState(StrEnum):
    """Where one phase stands."""

    DONE = "done"
    NOW = "now"
    STOPPED = "stopped"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a run."""

    name: str
    state: PhaseState


@dataclass(frozen=True, slots=True)
class DiskOverview:
    """One disk; `rate` is bytes a second since the run began, None before that says anything."""

    progress: DiskProgress
    percent: int
    rate: float | None
    left: timedelta | None


@dataclass(frozen=True, slots=True)
class RunOverview:
    """One run at one moment; `left` is None where nobody can tell."""

    run: Run
    percent: int
    lasted: timedelta | None
    rate: float | None
    left: timedelta | None
    phases: tuple[Phase, ...]
    disks: tuple[DiskOverview, ...]


def overview_of(run: Run, now: datetime) -> RunOverview:
    """The run as it stands at `now`."""
    lasted = None if run.started_at is None else max((run.ended_at or now) - run.started_at, timedelta())
    disks = tuple(_disk(progress, run, lasted) for progress in run.progress.disks)
    percent = _percent(run.progress.done, run.progress.planned)
    lefts = [disk.left for disk in disks if disk.left is not None]
    return RunOverview(
        run=run,
        percent=100 if run.state in _WHOLE else percent,
        lasted=lasted,
        rate=_rate(run.progress.done, lasted),
        left=max(lefts, default=None),
        phases=_phases(run),
        disks=disks,
    )


_WHOLE = frozenset({RunState.SUCCEEDED, RunState.COMPLETED_WITH_GAPS})


def _disk(progress: DiskProgress, run: Run, lasted: timedelta | None) -> DiskOverview:
    rate = _rate(progress.done, lasted)
    ahead = max(progress.planned - progress.done, 0)
    left = None
    if run.state is RunState.RUNNING and rate:
        left = timedelta(seconds=ahead / rate)
    return DiskOverview(progress, _percent(progress.done, progress.planned), rate, left)


def _rate(done: int, lasted: timedelta | None) -> float | None:
    if lasted is None or lasted < SETTLED:
        return None
    return done / lasted.total_seconds()


def _percent(done: int, planned: int) -> int:
    """Rounded down: 100 only where everything is done. A disk with nothing to look at is done."""
    return 100 * min(done, planned) // planned if planned else 0


def _phases(run: Run) -> tuple[Phase, ...]:
    names = PHASES[run.kind]
    if run.state in _WHOLE:
        return tuple(Phase(name, PhaseState.DONE) for name in names)
    if run.phase not in names:
        return tuple(Phase(name, PhaseState.AHEAD) for name in names)
    reached = names.index(run.phase)
    here = PhaseState.STOPPED if run.has_ended else PhaseState.NOW
    return (
        *(Phase(name, PhaseState.DONE) for name in names[:reached]),
        Phase(names[reached], here),
        *(Phase(name, PhaseState.AHEAD) for name in names[reached + 1 :]),
    )

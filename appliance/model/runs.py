"""A run: one execution for one machine. Its states are data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.model.disk_progress import DiskProgress
from appliance.model.identifiers import RunId


class RunKind(StrEnum):
    """What a run does."""

    BACKUP = "backup"
    RESTORE_DISK = "restore-disk"
    RESTORE_MACHINE = "restore-machine"
    VERIFY = "verify"
    CHECK_REPOSITORY = "check-repository"


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    """Its engine died or was stopped; the next engine resumes it or ends it."""
    SUCCEEDED = "succeeded"
    COMPLETED_WITH_GAPS = "completed-with-gaps"
    """The point exists, but a disk is missing that nobody accepted as missing."""
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED_STATES = frozenset(
    {RunState.SUCCEEDED, RunState.COMPLETED_WITH_GAPS, RunState.FAILED, RunState.CANCELLED}
)

ALLOWED_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.FAILED}),
    RunState.RUNNING: ENDED_STATES | {RunState.INTERRUPTED},
    RunState.INTERRUPTED: frozenset({RunState.RUNNING, RunState.FAILED, RunState.CANCELLED}),
    RunState.SUCCEEDED: frozenset(),
    RunState.COMPLETED_WITH_GAPS: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
}


ACTIVE_STATES = frozenset(RunState) - ENDED_STATES


@dataclass(frozen=True, slots=True)
class RunFailure:
    """The error a run ended with; the fields are those of the error tree."""

    code: str
    message: str
    remedy: str
    exit_status: int
    transient: bool = False
    """Whether the same may succeed later without a change by anyone."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run has come: one line a disk, in the order in which the disks first spoke."""

    disks: tuple[DiskProgress, ...] = ()

    @property
    def planned(self) -> int:
        """Bytes that will be looked at, as far as the disks have said."""
        return sum(disk.planned for disk in self.disks)

    @property
    def done(self) -> int:
        """Bytes that have been looked at."""
        return sum(disk.done for disk in self.disks)


@dataclass(frozen=True, slots=True)
class RunPlace:
    """What a run makes busy: a vCenter by the name the admin gave it, and one of its hosts.

    Empty where a run needs none, or where nobody knows yet. It is what the inventory said when the run was
    asked for: a machine that has moved since is counted on the wrong host, which is harmless.
    """

    vcenter: str = ""
    host: str = ""


NOWHERE = RunPlace()
"""The place of a run that needs no vCenter."""


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the run table; `request` and `result` are JSON documents of the run's kind.

    `attempt` counts how often an engine has claimed the run. It is the run's fence: whatever an engine
    writes about a run names the attempt it belongs to, and is refused once a later one has begun.
    """

    id: RunId
    kind: RunKind
    subject: str
    """Which machine (its identity key) or point the run is about: one active backup run per subject."""
    subject_name: str
    state: RunState
    requested_at: datetime
    request: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    phase: str = ""
    attempt: int = 0
    cancel_requested: bool = False
    failure: RunFailure | None = None
    result: str | None = None
    progress: RunProgress = RunProgress()
    place: RunPlace = NOWHERE
    retry_of: RunId | None = None
    """The failed run that this one repeats."""
    retry_number: int = 0
    """How many repetitions the engine has begun by itself up to this run; 0 where somebody asked for it."""
    not_before: datetime | None = None
    """When a queued run may begin; None: at once."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing will happen to this run any more."""
        return self.state in ENDED_STATES


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a handler says of a run that did not fail; `result` is a JSON document of the run's kind."""

    state: RunState
    result: str


@dataclass(frozen=True, slots=True)
class RunLogLine:
    """One thing the operator should know about a run."""

    at: datetime
    text: str
    warning: bool

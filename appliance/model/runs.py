"""A run: one execution for one machine. Its states are data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.model.identifiers import RunId


class RunKind(StrEnum):
    """What a run does."""

    BACKUP = "backup"
    RESTORE_DISK = "restore-disk"
    RESTORE_MACHINE = "restore-machine"
    VERIFY = "verify"


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


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the run table; `request` and `result` are JSON documents of the run's kind."""

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
    error_code: str | None = None
    error_message: str | None = None
    result: str | None = None

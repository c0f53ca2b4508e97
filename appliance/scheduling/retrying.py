"""Whether and when a failed backup is repeated without a further hand. Pure: time is given too.

A pause of five minutes outlasts what most transient failures come from (another task on the machine, a
restart of vCenter's services); a quarter of an hour outlasts the restart of a host or of vCenter itself. Two
repetitions end within the night they belong to; whatever lasts longer needs a person, and the next due time
comes anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.model.runs import Run, RunKind, RunState

PAUSE_GROWTH = 3
"""Each pause is so many times the one before."""

LONGEST_WAIT_FOR_ENGINE = timedelta(hours=12)
"""A failure that is older when an engine first sees it is left to the next due time."""


@dataclass(frozen=True, slots=True)
class RetryRule:
    """So many repetitions of a failed backup, the first one `pause` after the failure."""

    retries: int = 2
    pause: timedelta = timedelta(minutes=5)

    def pause_before(self, number: int) -> timedelta:
        """How long the repetition with this number waits; the first one is 1."""
        growth: int = PAUSE_GROWTH ** (number - 1)
        return self.pause * growth


def retry_moment(run: Run, rule: RetryRule, now: datetime) -> datetime | None:
    """The earliest moment to repeat `run` at, or None where it is not repeated.

    Only what may succeed without a change by anyone is: a backup that failed by a transient error, that
    nobody wanted to end, and whose repetitions are not used up. Whether it still is the last word on its
    machine, `RunStore.repeat` decides, as nobody can come in between there.
    """
    if run.kind is not RunKind.BACKUP or run.state is not RunState.FAILED or run.cancel_requested:
        return None
    if run.failure is None or not run.failure.transient or run.retry_number >= rule.retries:
        return None
    if run.ended_at is None or run.ended_at < oldest_failure(now):
        return None
    failed_at = min(run.ended_at, now)  # a clock that was put back must not make a pause of hours
    return failed_at + rule.pause_before(run.retry_number + 1)


def oldest_failure(now: datetime) -> datetime:
    """When a run must have failed since, to be repeated."""
    return now - LONGEST_WAIT_FOR_ENGINE

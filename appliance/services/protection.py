"""How safe a machine is: told from its points, its last backup, and the policies that mean it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.model.policies import Policy
from appliance.model.runs import Run, RunState
from appliance.scheduling import latest_due

GRACE = timedelta(hours=2)
"""How long after a due time its point may take to come: a night's machines wait for one another."""


class Protection(StrEnum):
    """How safe a machine is, worst last."""

    PROTECTED = "protected"
    WAITING = "waiting"
    """A policy means it, and its first due time is still to come, or hardly over."""
    GONE = "gone"
    """It has points and is in no vCenter that was read."""
    UNPLANNED = "unplanned"
    """It has points, and no policy means it: nothing makes the next one."""
    LATE = "late"
    """A due time of a policy that means it is more than the grace ago, and has brought no point."""
    NEVER = "never"
    """It has no point, and no policy means it."""
    FAILED = "failed"
    """Its last backup failed, and there is no newer point."""


TO_FIX = frozenset({Protection.UNPLANNED, Protection.LATE, Protection.NEVER, Protection.FAILED})
"""What somebody has to do something about."""


@dataclass(frozen=True, slots=True)
class Cover:
    """An enabled policy that means a machine; `asked_at` is its newest due time that is past its grace."""

    policy: str
    asked_at: datetime | None


def cover_of(policy: Policy, since: datetime, now: datetime) -> Cover:
    """What the policy has asked of a machine that it means `since` then, and not before."""
    due = latest_due(policy, now - GRACE)
    return Cover(policy.name, due.at if due is not None and due.at > since else None)


def protection_of(newest: datetime | None, last_backup: Run | None, covers: Iterable[Cover]) -> Protection:
    """How safe a machine of a vCenter is; `newest` is when its newest point was made."""
    covered = tuple(covers)
    if last_backup is not None and last_backup.state is RunState.FAILED and _is_newer(last_backup, newest):
        return Protection.FAILED
    if overdue_since(newest, last_backup, covered) is not None:
        return Protection.LATE
    if newest is None:
        return Protection.WAITING if covered else Protection.NEVER
    return Protection.PROTECTED if covered else Protection.UNPLANNED


def overdue_since(
    newest: datetime | None, last_backup: Run | None, covers: Iterable[Cover]
) -> datetime | None:
    """The due time that has brought no point, the oldest where several policies miss one; None if all did.

    A backup that was at work when the due time came has joined it, though its point is a little older.
    """
    moments = [moment for moment in (newest, _good_end(last_backup)) if moment is not None]
    served = max(moments, default=None)
    missed = [cover.asked_at for cover in covers if cover.asked_at is not None]
    return min((moment for moment in missed if served is None or served < moment), default=None)


def _good_end(backup: Run | None) -> datetime | None:
    good = (RunState.SUCCEEDED, RunState.COMPLETED_WITH_GAPS)
    return backup.ended_at if backup is not None and backup.state in good else None


def _is_newer(backup: Run, newest: datetime | None) -> bool:
    return newest is None or backup.requested_at > newest

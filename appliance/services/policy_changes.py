"""What a change makes of a policy, and what follows from it; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, replace
from datetime import datetime

from appliance.model.policies import Policy


def changed_policy(before: Policy, after: Policy, now: datetime) -> Policy:
    """`after` in the place of `before`, active since a moment that makes no due time of the past due.

    A new schedule has not missed what it would have been due for before it was worded, and a policy that
    was disabled has not missed what came due meanwhile. Other changes leave a due time that waits, say for
    a vCenter that is away, as due as it was.
    """
    is_anew = after.schedule != before.schedule or (after.enabled and not before.enabled)
    return replace(after, id=before.id, active_since=now if is_anew else before.active_since)


def what_follows(before: Policy, after: Policy) -> tuple[str, ...]:
    """What an admin should know of a change that the policy itself does not show."""
    return tuple(_consequences(before, after))


def _consequences(before: Policy, after: Policy) -> Iterator[str]:
    if (before.vcenter, before.selection) != (after.vcenter, after.selection):
        yield "recovery points of machines that no policy means any more all stay: nothing retires them"
    if _keeps_less(before, after):
        yield (
            "points that no policy keeps any more are retired after the next backup; "
            "`keepline policy simulate` lists them now"
        )
    if before.enabled and not after.enabled:
        yield "it starts nothing while it is disabled, and its retention still keeps its points"


def _keeps_less(before: Policy, after: Policy) -> bool:
    """Whether any rule keeps fewer points; another time zone cuts days and weeks elsewhere."""
    if before.schedule.zone != after.schedule.zone:
        return True
    return any(
        new < old for old, new in zip(astuple(before.retention), astuple(after.retention), strict=True)
    )

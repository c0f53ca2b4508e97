"""Notices for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from appliance.model.identifiers import RunId
from appliance.model.notifications import MachineTrouble, Notice, NoticeKey, NoticeKind, NoticeMachine
from appliance.model.policies import PolicyId
from appliance.notifications import Origin

AT = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
ORIGIN = Origin("box", "abc")


def notice(
    *machines: NoticeMachine, key: str = "night/p@1", title: str = "nightly: the backup of web-01 failed"
) -> Notice:
    """The notice of a failed night."""
    return Notice(
        key=NoticeKey(key),
        kind=NoticeKind.FAILED,
        at=AT,
        title=title,
        policy=PolicyId("p"),
        policy_name="nightly",
        due_at=datetime(2026, 11, 22, 2, 30, tzinfo=UTC),
        machines=machines,
    )


def failed_machine(name: str = "web-01") -> NoticeMachine:
    """One whose last good point is a day old."""
    return NoticeMachine(
        name=name,
        trouble=MachineTrouble.FAILED,
        run=RunId("20261122T023000Z-00000001"),
        last_point_at=datetime(2026, 11, 21, 2, 30, tzinfo=UTC),
        code="KL-2052",
        message="vCenter refused the snapshot",
        remedy="Look at the task.",
    )

"""Which queued run is next: one statement, so that nobody takes what another one has taken.

A run whose vCenter or host is full is passed over, and keeps its place in the line: as soon as a run ends
there, it is the oldest that may begin there. A run on a host is also one on its vCenter, so both become free
at the same moment, and nothing that came later can take the one while the other is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.expression import ScalarSelect

from appliance.model.run_limits import RunLimits
from appliance.model.runs import RunState
from appliance.state.tables import RunRow


def claim_of_next(now: datetime, limits: RunLimits) -> ReturningUpdate[RunRow]:
    """The statement that takes the oldest run that may begin into a new attempt, and returns it."""
    return (
        update(RunRow)
        .where(RunRow.id == _oldest_allowed(now, limits).scalar_subquery(), RunRow.state == RunState.QUEUED)
        .values(state=RunState.RUNNING, started_at=now, attempt=RunRow.attempt + 1)
        .returning(RunRow)
    )


def _oldest_allowed(now: datetime, limits: RunLimits) -> Select[str]:
    waiting = aliased(RunRow)
    return (
        select(waiting.id)
        .where(
            waiting.state == RunState.QUEUED,
            or_(waiting.not_before.is_(None), waiting.not_before <= now),
            *_has_room(waiting, limits),
        )
        .order_by(waiting.requested_at, waiting.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _has_room(waiting: type[RunRow], limits: RunLimits) -> Iterator[ColumnElement[bool]]:
    working = aliased(RunRow)
    same_vcenter = working.vcenter == waiting.vcenter
    if limits.per_vcenter is not None:
        count = _running(waiting, working, same_vcenter)
        yield or_(waiting.vcenter == "", count < limits.per_vcenter)
    if limits.per_host is not None:
        count = _running(waiting, working, same_vcenter, working.host == waiting.host)
        yield or_(waiting.host == "", count < limits.per_host)


def _running(
    waiting: type[RunRow], working: type[RunRow], *conditions: ColumnElement[bool]
) -> ScalarSelect[int]:
    counted = select(func.count()).select_from(working).where(working.state == RunState.RUNNING, *conditions)
    return counted.correlate(waiting).scalar_subquery()

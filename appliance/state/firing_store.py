"""What became of due times: counted by the database, for a firing may have ten thousand runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.model.identifiers import RunId
from appliance.model.policies import DueKey, PolicyId
from appliance.model.runs import RunState
from appliance.state.database import Database
from appliance.state.tables import FiredRunRow, FiringRow, RunRow


@dataclass(frozen=True, slots=True)
class FiringCounts:
    """A due time that was settled, and how many of its runs are in which state."""

    policy: PolicyId
    due_key: DueKey
    due_at: datetime
    fired_at: datetime
    states: Mapping[RunState, int] = field(default_factory=dict)

    @property
    def run_count(self) -> int:
        """All its runs."""
        return sum(self.states.values())


class FiringStore:
    """The due times that policies have settled, newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest_of_each(self) -> dict[PolicyId, FiringCounts]:
        """The newest firing of every policy that has fired: two statements, however many there are."""
        order = func.row_number().over(
            partition_by=FiringRow.policy_id, order_by=(FiringRow.fired_at.desc(), FiringRow.due_key.desc())
        )
        numbered = select(FiringRow.due_key, order.label("number")).subquery()
        newest = select(FiringRow).join(
            numbered, (numbered.c.due_key == FiringRow.due_key) & (numbered.c.number == 1)
        )
        with self._database.reading() as session:
            counted = _counted(session, session.scalars(newest).all())
        return {each.policy: each for each in counted}

    def newest(self, policy: PolicyId, limit: int = 10) -> tuple[FiringCounts, ...]:
        """The due times of one policy that were settled last."""
        newest = (
            select(FiringRow)
            .where(FiringRow.policy_id == policy)
            .order_by(FiringRow.fired_at.desc(), FiringRow.due_key.desc())
            .limit(limit)
        )
        with self._database.reading() as session:
            return _counted(session, session.scalars(newest).all())

    def find(self, policy: PolicyId, due_key: DueKey) -> FiringCounts | None:
        """One of this policy's firings, or None where there is no such one."""
        wanted = select(FiringRow).where(FiringRow.due_key == due_key, FiringRow.policy_id == policy)
        with self._database.reading() as session:
            return next(iter(_counted(session, session.scalars(wanted).all())), None)

    def runs(self, due_key: DueKey, skip: int, limit: int) -> tuple[RunId, ...]:
        """Some of a firing's runs, those that failed first, then by the machine's name."""
        wanted = (
            select(RunRow.id)
            .join(FiredRunRow, FiredRunRow.run_id == RunRow.id)
            .where(FiredRunRow.due_key == due_key)
            .order_by(RunRow.state != RunState.FAILED, RunRow.subject_name, RunRow.id)
            .offset(skip)
            .limit(limit)
        )
        with self._database.reading() as session:
            return tuple(map(RunId, session.scalars(wanted)))


def _counted(session: Session, rows: Sequence[FiringRow]) -> tuple[FiringCounts, ...]:
    states = _states(session, [row.due_key for row in rows])
    return tuple(
        FiringCounts(
            PolicyId(row.policy_id),
            DueKey(row.due_key),
            row.due_at,
            row.fired_at,
            states.get(row.due_key, {}),
        )
        for row in rows
    )


def _states(session: Session, keys: Iterable[str]) -> dict[str, dict[RunState, int]]:
    counts = (
        select(FiredRunRow.due_key, RunRow.state, func.count())
        .join(RunRow, RunRow.id == FiredRunRow.run_id)
        .where(FiredRunRow.due_key.in_(list(keys)))
        .group_by(FiredRunRow.due_key, RunRow.state)
    )
    found: dict[str, dict[RunState, int]] = {}
    for due_key, state, count in session.execute(counts):
        found.setdefault(due_key, {})[RunState(state)] = count
    return found

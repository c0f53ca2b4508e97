"""Forgetting what nobody asks for any more, so that the database does not grow for ever."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select, update

from appliance.model.runs import ENDED_STATES
from appliance.state.database import Database
from appliance.state.tables import FiredRunRow, FiringRow, RunRow


class HistoryStore:
    """What the tables of runs and of due times remember of the past.

    Each call changes at most `limit` rows of its main table, so that nobody waits long for the write lock,
    and answers how many: as many as `limit` means that there may be more.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget_firings(self, before: datetime, keep_newest: int, limit: int) -> int:
        """Forget settled due times from before then, except each policy's newest; their runs stay.

        A due time that is forgotten would be settled again, were it asked for. Only the newest one of a
        policy is asked for, at the time it is: the newest one from before then stays too, for a clock that
        is put back until then.
        """
        newest_first = (FiringRow.due_at.desc(), FiringRow.due_key.desc())
        number = func.row_number().over(partition_by=FiringRow.policy_id, order_by=newest_first)
        is_old = FiringRow.due_at < before
        old_number = func.row_number().over(partition_by=(FiringRow.policy_id, is_old), order_by=newest_first)
        numbered = select(
            FiringRow.due_key, FiringRow.due_at, number.label("number"), old_number.label("old_number")
        ).subquery()
        old = (
            select(numbered.c.due_key)
            .where(numbered.c.due_at < before, numbered.c.number > keep_newest, numbered.c.old_number > 1)
            .order_by(numbered.c.due_at)
            .limit(limit)
        )
        with self._database.writing() as session:
            keys = list(session.scalars(old))
            session.execute(delete(FiredRunRow).where(FiredRunRow.due_key.in_(keys)))
            session.execute(delete(FiringRow).where(FiringRow.due_key.in_(keys)))
        return len(keys)

    def forget_progress(self, before: datetime, limit: int) -> int:
        """Forget how far each disk had come, of runs that ended before then; what they came to stays."""
        old = (
            select(RunRow.id)
            .where(RunRow.state.in_(ENDED_STATES), RunRow.ended_at < before, RunRow.progress.is_not(None))
            .order_by(RunRow.ended_at)
            .limit(limit)
        )
        with self._database.writing() as session:
            ids = list(session.scalars(old))
            session.execute(update(RunRow).where(RunRow.id.in_(ids)).values(progress=None))
        return len(ids)

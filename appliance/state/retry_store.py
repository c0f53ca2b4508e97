"""Which failed backups are to be repeated, and by which runs they are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import aliased

from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunKind, RunState
from appliance.state.database import Database
from appliance.state.run_store import existing_run, hurry_run, queue_run, run_of
from appliance.state.tables import RunRow


class RetryStore:
    """The table of runs, as far as one repeats another."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def failed_backups(self, since: datetime) -> list[Run]:
        """The backups that failed since then and are the last word on their machines, oldest first."""
        failed = _last_words().where(RunRow.state == RunState.FAILED, RunRow.ended_at >= since)
        with self._database.reading() as session:
            return [run_of(row) for row in session.scalars(failed.order_by(RunRow.requested_at, RunRow.id))]

    def repeat(self, run: Run) -> Run | None:
        """Queue `run`, which repeats the backup `run.retry_of`, if that is the last word on its machine.

        None where it was repeated before, or where another backup of the machine was asked for since,
        whatever became of that.
        """
        with self._database.writing() as session:
            failed = session.scalar(_last_words().where(RunRow.id == run.retry_of))
            return None if failed is None else queue_run(session, run).run

    def repetition_of(self, run_id: RunId) -> Run | None:
        """The run that repeats this one, if there is one."""
        with self._database.reading() as session:
            row = session.scalars(select(RunRow).where(RunRow.retry_of == run_id)).one_or_none()
            return None if row is None else run_of(row)

    def hurry(self, run_id: RunId) -> Run:
        """Let a queued run that waits for the end of a pause begin as soon as others would.

        Raises:
            RunNotFoundError: there is none.
        """
        with self._database.writing() as session:
            hurry_run(session, run_id)
            return run_of(existing_run(session, run_id))


def _last_words() -> Select[RunRow]:
    """The backups after which no other backup of their machine was asked for, a repetition included."""
    later = aliased(RunRow)
    followed = select(later.id).where(
        later.kind == RunKind.BACKUP,
        later.subject == RunRow.subject,
        tuple_(later.requested_at, later.id) > tuple_(RunRow.requested_at, RunRow.id),
    )
    repeated = select(later.id).where(later.retry_of == RunRow.id)
    return select(RunRow).where(RunRow.kind == RunKind.BACKUP, ~followed.exists(), ~repeated.exists())

"""What the operator must know about each run, line by line."""

from __future__ import annotations

from sqlalchemy import insert, select

from appliance.model.identifiers import RunId
from appliance.model.runs import RunLogLine
from appliance.state.database import Database
from appliance.state.tables import RunLogRow


class RunLogStore:
    """The logs of all runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, run_id: RunId, line: RunLogLine) -> None:
        """Add one line at the end of a run's log."""
        with self._database.writing() as session:
            session.execute(
                insert(RunLogRow).values(run_id=run_id, at=line.at, warning=line.warning, text=line.text)
            )

    def lines(self, run_id: RunId, skip: int = 0) -> list[RunLogLine]:
        """The lines of one run in the order they were written, without the first `skip`."""
        wanted = select(RunLogRow).where(RunLogRow.run_id == run_id).order_by(RunLogRow.number).offset(skip)
        with self._database.reading() as session:
            return [RunLogLine(row.at, row.text, row.warning) for row in session.scalars(wanted)]

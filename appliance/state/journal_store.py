"""What was made in vCenter and has not been taken away yet (rule 9).

An entry is durable before the call it announces. So after any crash an open entry means "this may exist":
whoever closes one has looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from sqlalchemy import ColumnElement, insert, select, update

from appliance.model.identifiers import ManagedObjectId, RunId
from appliance.state.database import Database
from appliance.state.tables import JournalRow

JournalNumber = NewType("JournalNumber", int)


class JournalKind(StrEnum):
    """What may exist in vCenter because of a run."""

    SNAPSHOT = "snapshot"
    ACCESS = "access"
    MACHINE = "machine"
    HOT_ADD = "hot-add"
    TRACKING_DISABLED = "tracking-disabled"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One announced change.

    `machine` is the moref it is made on ("" where it is the machine that is being made); `marker` is the
    text by which the thing is recognised (rule 9: installation id and run id are in it); `details` is a
    JSON document of whoever writes and reads this kind of entry.
    """

    kind: JournalKind
    run: RunId
    vcenter: str
    machine: ManagedObjectId
    marker: str
    details: str = "{}"
    number: JournalNumber = JournalNumber(0)


class JournalStore:
    """The journal of all runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, entry: JournalEntry, now: datetime) -> JournalNumber:
        """Write down what is about to be made; durable on return."""
        announce = (
            insert(JournalRow)
            .values(
                kind=entry.kind,
                run_id=entry.run,
                vcenter=entry.vcenter,
                machine=entry.machine,
                marker=entry.marker,
                details=entry.details,
                opened_at=now,
            )
            .returning(JournalRow.number)
        )
        with self._database.writing() as session:
            return JournalNumber(session.scalars(announce).one())

    def amend(self, number: JournalNumber, details: str) -> None:
        """Replace the details of an entry by what is known now, such as the moref of the thing made."""
        with self._database.writing() as session:
            session.execute(update(JournalRow).where(JournalRow.number == number).values(details=details))

    def close(self, number: JournalNumber, now: datetime) -> None:
        """Write down that the thing is gone (or never was); closing twice is no error."""
        with self._database.writing() as session:
            session.execute(
                update(JournalRow)
                .where(JournalRow.number == number, JournalRow.closed_at.is_(None))
                .values(closed_at=now)
            )

    def open_entries(self) -> list[JournalEntry]:
        """Everything that may exist, oldest first."""
        return self._open_where()

    def open_entries_of(self, run_id: RunId) -> list[JournalEntry]:
        """What may exist because of one run, oldest first."""
        return self._open_where(JournalRow.run_id == run_id)

    def _open_where(self, *conditions: ColumnElement[bool]) -> list[JournalEntry]:
        wanted = (
            select(JournalRow).where(JournalRow.closed_at.is_(None), *conditions).order_by(JournalRow.number)
        )
        with self._database.reading() as session:
            return [_entry_of(row) for row in session.scalars(wanted)]


def _entry_of(row: JournalRow) -> JournalEntry:
    return JournalEntry(
        kind=JournalKind(row.kind),
        run=RunId(row.run_id),
        vcenter=row.vcenter,
        machine=ManagedObjectId(row.machine),
        marker=row.marker,
        details=row.details,
        number=JournalNumber(row.number),
    )

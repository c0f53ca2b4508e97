"""The snapshot of a run: journalled before it is made, taken over by a resumed run, gone on every exit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.errors import VcenterError
from appliance.model.identifiers import ManagedObjectId
from appliance.model.requests import BackupRequest
from appliance.model.virtual_machines import VirtualMachine
from appliance.run_context import RunSession
from appliance.state import JournalEntry, JournalKind, JournalNumber
from appliance.vsphere import (
    Quiesce,
    SnapshotFacts,
    VcenterConnection,
    remove_snapshot,
    snapshot_facts,
    snapshot_of,
)


@contextmanager
def journalled_snapshot(
    session: RunSession, connection: VcenterConnection, request: BackupRequest, machine: VirtualMachine
) -> Iterator[SnapshotFacts]:
    """A snapshot of `machine` for this run, as consistent as it can be had of what the request wants.

    The one an earlier attempt of the same run has left is taken over while it exists: its checkpoints
    belong to it and to no other (rule 1). Its journal entry is closed when the snapshot is proven gone.
    """
    left = _left_by_earlier_attempt(session, connection, machine)
    if left is not None:
        number, facts = left
        session.progress.message(f"resuming with snapshot {facts.moref} of an earlier attempt")
        try:
            yield facts
        finally:
            remove_snapshot(connection, machine.moref, facts.moref)
            session.tools.journal.close(number, session.tools.clock.now())
        return
    with _new_snapshot(session, connection, request, machine) as facts:
        yield facts


@contextmanager
def _new_snapshot(
    session: RunSession, connection: VcenterConnection, request: BackupRequest, machine: VirtualMachine
) -> Iterator[SnapshotFacts]:
    journal, clock, mark = session.tools.journal, session.tools.clock, session.mark
    entry = JournalEntry(JournalKind.SNAPSHOT, session.run.id, request.vcenter, machine.moref, session.marker)
    number = journal.open(entry, clock.now())
    made: SnapshotFacts | None = None
    try:
        with snapshot_of(connection, machine, mark, quiesce=Quiesce(wanted=request.consistency)) as facts:
            made = facts
            journal.amend(number, json.dumps({"snapshot": facts.moref}))
            for note in facts.notes:
                session.progress.message(note, warning=True)
            yield facts
    finally:
        if _is_gone(connection, machine, made):
            journal.close(number, clock.now())


def _is_gone(connection: VcenterConnection, machine: VirtualMachine, made: SnapshotFacts | None) -> bool:
    """Whether the snapshot is proven gone; in doubt (not even known whether it was made) it is not."""
    if made is None:
        return False
    try:
        return snapshot_facts(connection, machine.moref, made.moref) is None
    except VcenterError:
        return False


def _left_by_earlier_attempt(
    session: RunSession, connection: VcenterConnection, machine: VirtualMachine
) -> tuple[JournalNumber, SnapshotFacts] | None:
    for entry in session.tools.journal.open_entries_of(session.run.id):
        if entry.kind is not JournalKind.SNAPSHOT:
            continue
        moref = json.loads(entry.details).get("snapshot")
        facts = snapshot_facts(connection, machine.moref, ManagedObjectId(moref)) if moref else None
        if facts is not None:
            return entry.number, facts
        session.tools.journal.close(entry.number, session.tools.clock.now())
    return None

from __future__ import annotations

import pytest

from appliance.model.identifiers import ManagedObjectId
from appliance.model.runs import Run, RunKind, RunState
from appliance.run_context import DuplicateInstallationError
from appliance.state import JournalEntry, JournalKind
from tests.fakes.appliance import Terminal
from tests.fakes.run_sessions import RUN


def interrupted_run(terminal: Terminal) -> Run:
    """One that an engine was at work on, with something of it left in vCenter."""
    desk = terminal.desk
    desk.run_store.request(RUN)
    entry = JournalEntry(JournalKind.SNAPSHOT, RUN.id, "vcenter", ManagedObjectId("vm-1"), "mark")
    desk.journal.open(entry, desk.clock.now())
    return RUN


def test_a_renewed_appliance_has_a_new_id_and_no_business_with_the_other_ones_runs(
    terminal: Terminal,
) -> None:
    run = interrupted_run(terminal)
    before = terminal.call("installation", "show", "--json").document["installation"]["installation"]

    answer = terminal.call("installation", "renew", "--json")

    assert answer.status == 0
    after = answer.document["installation"]["installation"]
    assert after != before
    assert terminal.desk.repositories.installation() == after
    ended = terminal.desk.run_store.find(run.id)
    assert (ended.kind, ended.state) == (RunKind.BACKUP, RunState.FAILED)
    assert ended.failure is not None
    assert ended.failure.code == "KL-6042"
    assert terminal.desk.journal.open_entries() == []


def test_a_disputed_id_is_shown_and_can_be_claimed(terminal: Terminal) -> None:
    repositories, store = terminal.desk.repositories, terminal.desk.installation_store
    repositories.sole_engine().begin()
    store.note_start(0, "what the copy remembers")
    with pytest.raises(DuplicateInstallationError):
        repositories.sole_engine().begin()

    shown = terminal.call("installation", "show")
    assert "two appliances have used this id" in shown.errors
    assert terminal.call("installation", "show", "--json").document["installation"]["is_disputed"] is True

    claimed = terminal.call("installation", "claim")

    assert claimed.status == 0
    assert "newest engine start" in claimed.output
    repositories.sole_engine().begin()


def test_who_it_is_does_not_change_under_a_running_engine(terminal: Terminal) -> None:
    with terminal.lock.held():
        for command in ("claim", "renew"):
            answer = terminal.call("installation", command)
            assert answer.status != 0
            assert "KL-6040" in answer.errors

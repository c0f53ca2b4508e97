"""What the next start does with the snapshots a dead engine's run has left (docs/architecture.md)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.clock import ManualClock
from appliance.model.identifiers import RunId
from appliance.model.virtual_machines import VirtualMachine
from appliance.run_context import PENDING_POINT, LeftoverRecovery, RunSession
from appliance.state import JournalEntry, JournalKind
from appliance.storage import FileSystemStore
from appliance.vsphere import (
    Quiesce,
    SnapshotFacts,
    VcenterConnection,
    create_snapshot,
    find_machine,
    snapshot_facts,
)
from keepline_lab import Disk, Machine
from keepline_lab.laboratories import StartLab
from tests.fakes.movers import ScriptedMovers
from tests.fakes.run_sessions import run_session
from tests.simulated.vsphere.steps import MIB, connected


@dataclass(frozen=True, slots=True)
class OneVcenter:
    """A directory with one vCenter, logged in already."""

    connection: VcenterConnection

    @contextmanager
    def connect(self, name: str) -> Iterator[VcenterConnection]:
        assert name == "vc"
        yield self.connection


@dataclass(frozen=True, slots=True)
class DeadRun:
    """A backup whose engine died with a snapshot and an open journal entry."""

    session: RunSession
    connection: VcenterConnection
    machine: VirtualMachine
    snapshot: SnapshotFacts

    def announce(self, details: dict[str, str]) -> None:
        entry = JournalEntry(
            JournalKind.SNAPSHOT,
            self.session.run.id,
            "vc",
            self.machine.moref,
            self.session.marker,
            json.dumps(details),
        )
        self.session.tools.journal.open(entry, self.session.tools.clock.now())

    def recover(self) -> None:
        LeftoverRecovery(self.session.tools).recover(self.session.run, self.session.progress)

    @property
    def snapshot_is_there(self) -> bool:
        return snapshot_facts(self.connection, self.machine.moref, self.snapshot.moref) is not None

    @property
    def has_open_entries(self) -> bool:
        return bool(self.session.tools.journal.open_entries_of(self.session.run.id))


@pytest.fixture
def dead_run(laboratory: StartLab, tmp_path: Path) -> Iterator[DeadRun]:
    lab = laboratory(Machine("web-01", (Disk(size=MIB),)))
    with connected(lab) as connection, run_session(tmp_path, ScriptedMovers()) as made:
        tools = replace(made.tools, vcenters=OneVcenter(connection), clock=ManualClock(datetime.now(UTC)))
        session = replace(made, tools=tools)
        machine = find_machine(connection, "web-01")
        snapshot = create_snapshot(connection, machine, session.mark, quiesce=Quiesce())
        yield DeadRun(session, connection, machine, snapshot)


def test_young_snapshot_is_kept_for_the_next_attempt(dead_run: DeadRun) -> None:
    dead_run.announce({"snapshot": dead_run.snapshot.moref})
    dead_run.recover()

    assert dead_run.snapshot_is_there
    assert dead_run.has_open_entries


def test_snapshot_goes_where_all_disks_are_durable_drafts(dead_run: DeadRun) -> None:
    """Rule 4: the next attempt only commits, and would never look at the snapshot again."""
    dead_run.announce({"snapshot": dead_run.snapshot.moref})
    dead_run.session.folder.keep(PENDING_POINT, b"{}")
    dead_run.recover()

    assert not dead_run.snapshot_is_there
    assert not dead_run.has_open_entries


def test_snapshot_nobody_wrote_down_is_found_by_its_mark(dead_run: DeadRun) -> None:
    """Rule 9: the engine died between the call and the note of what it made; nothing was read from it."""
    other_run = replace(dead_run.session.mark, run=RunId("20260101T000000Z-00000002"))
    others = create_snapshot(dead_run.connection, dead_run.machine, other_run, quiesce=Quiesce())
    dead_run.announce({})
    dead_run.recover()

    assert not dead_run.snapshot_is_there
    assert snapshot_facts(dead_run.connection, dead_run.machine.moref, others.moref) is not None
    assert not dead_run.has_open_entries


def test_next_start_removes_what_dead_movers_half_wrote(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    (folder / "temporary").mkdir(parents=True)
    for name in ("old", "young"):
        (folder / "temporary" / name).write_bytes(b"half")
    two_days_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    os.utime(folder / "temporary" / "old", (two_days_ago, two_days_ago))
    with run_session(tmp_path, ScriptedMovers()) as session:
        repository = replace(session.tools.repository, store=FileSystemStore(folder))
        tools = replace(session.tools, repository=repository, clock=ManualClock(datetime.now(UTC)))
        LeftoverRecovery(tools).forget_ended({session.run.id})

    assert [path.name for path in (folder / "temporary").iterdir()] == ["young"]


def test_old_snapshot_is_not_resumed(dead_run: DeadRun) -> None:
    dead_run.announce({"snapshot": dead_run.snapshot.moref})
    dead_run.session.tools.clock.sleep(dead_run.session.tools.settings.snapshot_resume_seconds + 60)
    dead_run.recover()

    assert not dead_run.snapshot_is_there
    assert not dead_run.has_open_entries

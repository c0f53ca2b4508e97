from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.model.documents import from_json, to_json
from appliance.model.identifiers import ManagedObjectId, RunId
from appliance.model.recovery_points import Consistency
from appliance.model.requests import BackupRequest
from appliance.model.runs import Run, RunKind, RunState
from appliance.model.virtual_machines import MachineIdentity
from appliance.state import Database, RunLogStore, RunStore

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PLAIN = BackupRequest("main", ManagedObjectId("vm-1"), MachineIdentity("vcenter", "machine"))
STRICT = replace(PLAIN, full=True, consistency=Consistency.APPLICATION)


@pytest.fixture
def runs(database: Database) -> RunStore:
    return RunStore(database)


@pytest.fixture
def log(database: Database) -> RunLogStore:
    return RunLogStore(database)


def run(name: str, request: BackupRequest) -> Run:
    text = to_json(request).decode()
    return Run(RunId(name), RunKind.BACKUP, "machine", "web", RunState.QUEUED, NOW, text)


def request_of(runs: RunStore, name: str) -> BackupRequest:
    return from_json(BackupRequest, runs.find(RunId(name)).request)


def test_a_run_that_has_not_begun_does_what_a_second_request_asks_for_too(
    runs: RunStore, log: RunLogStore
) -> None:
    runs.request(run("first", PLAIN))
    joined = runs.request(run("second", STRICT))
    assert (joined.run.id, joined.joined, joined.unmet) == ("first", True, ())
    assert from_json(BackupRequest, joined.run.request) == STRICT
    assert request_of(runs, "first") == STRICT
    claimed = runs.claim_next(NOW)
    assert claimed is not None
    assert from_json(BackupRequest, claimed.request) == STRICT
    assert log.lines(RunId("first")) == []


def test_a_weaker_second_request_changes_nothing(runs: RunStore, log: RunLogStore) -> None:
    runs.request(run("first", STRICT))
    assert runs.request(run("second", PLAIN)).unmet == ()
    assert request_of(runs, "first") == STRICT
    assert log.lines(RunId("first")) == []


def test_a_run_at_work_goes_on_as_it_began_and_says_what_it_does_not_do(
    runs: RunStore, log: RunLogStore
) -> None:
    runs.request(run("first", PLAIN))
    runs.claim_next(NOW)
    joined = runs.request(run("second", STRICT))
    assert joined.joined
    assert joined.unmet == (
        "not every disk is read as a whole",
        "the guest is asked for crash consistency, not application",
    )
    assert request_of(runs, "first") == PLAIN
    (line,) = log.lines(RunId("first"))
    assert line.warning
    assert "not every disk is read as a whole; the guest is asked for crash consistency" in line.text


def test_an_interrupted_run_keeps_what_its_checkpoints_were_made_for(runs: RunStore) -> None:
    runs.request(run("first", PLAIN))
    claimed = runs.claim_next(NOW)
    assert claimed is not None
    runs.interrupt(claimed)
    assert len(runs.request(run("second", STRICT)).unmet) == 2
    assert request_of(runs, "first") == PLAIN


def test_a_disk_that_only_one_request_accepts_is_not_accepted(runs: RunStore, log: RunLogStore) -> None:
    runs.request(run("first", replace(PLAIN, accepted_disks=("Hard disk 2", "Hard disk 3"))))
    assert runs.request(run("second", replace(PLAIN, accepted_disks=("Hard disk 2",)))).unmet == ()
    assert request_of(runs, "first").accepted_disks == ("Hard disk 2",)
    joined = runs.request(run("third", replace(PLAIN, accepted_disks=("Hard disk 2", "Hard disk 9"))))
    assert joined.unmet == ("Hard disk 9 is a gap when it is missing",)
    assert len(log.lines(RunId("first"))) == 1

"""Policies by vCenter tag, over the laboratory: nobody names a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.model.documents import from_json
from appliance.model.recovery_points import Consistency
from appliance.model.results import BackupResult
from appliance.model.runs import Run, RunState
from appliance.state import RunFilter, RunStore, open_database
from keepline_lab import Disk, Machine
from keepline_lab.control import CallFault
from keepline_lab.laboratories import StartLab
from tests.simulated.cli.shell import Shell
from tests.waiting import wait_until

MIB = 1 << 20
ADD = ("policy", "add", "gold", "--schedule", "* * * * *", "--tag", "backup/gold")


@pytest.fixture
def shell(laboratory: StartLab, tmp_path: Path) -> Shell:
    """A shell beside a laboratory of three machines; `web-01` has the tag backup/gold."""
    lab = laboratory(*(Machine(name, (Disk(size=MIB),)) for name in ("web-01", "web-02", "db-01")))
    lab.control.tag("web-01", "backup", "gold")
    shell = Shell(lab, tmp_path)
    shell.set_up()
    return shell


def succeeded(shell: Shell, machine: str) -> list[Run]:
    with open_database(shell.state_folder) as database:
        runs = RunStore(database).list(RunFilter(states=frozenset({RunState.SUCCEEDED})))
    return [run for run in runs if run.subject_name == machine]


def test_a_policy_on_a_tag_protects_what_is_tagged_and_what_is_tagged_later(shell: Shell) -> None:
    shell.call(*ADD, "--consistency", "application")
    with shell.started("engine") as engine:
        wait_until(lambda: succeeded(shell, "web-01"), "the tagged machine is backed up")
        shell.lab.control.tag("db-01", "backup", "gold")
        wait_until(lambda: succeeded(shell, "db-01"), "the machine that was tagged later is backed up")
        engine.terminate()
        _, errors = engine.communicate(timeout=120)
    assert "Traceback" not in errors
    assert succeeded(shell, "web-02") == []
    for machine in ("web-01", "db-01"):
        result = succeeded(shell, machine)[-1].result
        assert result is not None
        assert from_json(BackupResult, result).consistency is Consistency.APPLICATION
    assert shell.marked_snapshots() == []
    assert shell.lab.control.state().rest_sessions == 0


def test_a_tagging_service_that_is_down_is_said_and_hides_no_machine_as_unprotected(shell: Shell) -> None:
    shell.lab.control.add_fault(CallFault("rest.session.create", "http_503", count=1000))
    answer = shell.call(*ADD)
    assert "which machines it means cannot be told" in answer.stderr
    assert "KL-2008" in answer.stderr
    assert "no machine" not in answer.stderr
    shown = shell.document("policy", "show", "gold")
    assert shown["machines"] is None
    assert shown["error"]["code"] == "KL-2008"
    shell.call("policy", "simulate", "--days", "1", status=3)

    shell.lab.control.clear_faults()
    (only,) = shell.document("policy", "show", "gold")["machines"]["selected"]
    assert only["machine"]["name"] == "web-01"
    shell.lab.control.delete_tag("backup", "gold")
    assert "has no tag backup/gold" in " ".join(shell.call("policy", "show", "gold").stderr.split())

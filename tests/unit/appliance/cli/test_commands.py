from __future__ import annotations

import io
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import typer

from appliance.cli.main import application
from appliance.cli.run_results import exit_status_of
from appliance.clock import ManualClock
from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunFailure, RunKind, RunLogLine, RunOutcome, RunState
from tests.fakes.appliance import Terminal
from tests.fakes.recovery_points import disk, image, point
from tests.fakes.vcenters import SHA256, machine

NOW = ManualClock().now()


def leaf_commands(group: typer.Typer, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command that does something."""
    commands: list[tuple[str, ...]] = []
    for each in group.registered_commands:
        name = each.name or str(getattr(each.callback, "__name__", ""))
        commands.append((*words, name))
    for child in group.registered_groups:
        assert child.typer_instance is not None
        commands += leaf_commands(child.typer_instance, (*words, str(child.name)))
    return commands


def test_there_are_the_commands_the_manual_names() -> None:
    assert sorted(" ".join(words) for words in leaf_commands(application())) == [
        "backup",
        "console password",
        "engine",
        "init",
        "installation claim",
        "installation renew",
        "installation show",
        "notifier check",
        "notifier remove",
        "notifier set-email",
        "notifier set-webhook",
        "notifier show",
        "notifier test",
        "point list",
        "point show",
        "point verify",
        "policy add",
        "policy change",
        "policy disable",
        "policy enable",
        "policy list",
        "policy remove",
        "policy retire",
        "policy show",
        "policy simulate",
        "repository check",
        "restore disk",
        "restore vm",
        "run cancel",
        "run list",
        "run retry",
        "run show",
        "vcenter add",
        "vcenter list",
        "vcenter remove",
        "vcenter test",
        "version",
        "vm list",
    ]


def test_every_command_has_a_json_form_and_none_takes_a_password_as_an_argument(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in leaf_commands(application()):
        assert terminal.call(*words, "--help").status == 0
        text = capsys.readouterr().out
        assert "--json" in text, words
        assert "--password" not in text.replace("--password-file", ""), words


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nonsense",), "nonsense"),
        (("run",), "command"),
        (("run", "list", "--limit", "many"), "--limit"),
        (("backup",), "VM"),
        (("restore", "vm", "p", "--name", "n", "--network", "A"), "OLD=NEW"),
    ],
)
def test_wrong_usage_is_an_error_like_any_other(
    terminal: Terminal, arguments: tuple[str, ...], complaint: str
) -> None:
    answer = terminal.call(*arguments)
    assert answer.status == 2
    assert complaint in answer.errors
    assert "(KL-1100)" in answer.errors

    assert terminal.call(*arguments, "--json").document["error"]["code"] == "KL-1100"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "show", "x"), "KL-1090"),
        (("run", "cancel", "x"), "KL-1090"),
        (("point", "show", "x"), "KL-1401"),
        (("point", "verify", "x"), "KL-1401"),
        (("restore", "disk", "x", "0", "--to", "f"), "KL-1401"),
        (("restore", "vm", "x", "--name", "n"), "KL-1401"),
        (("backup", "nobody"), "KL-2031"),
        (("backup", "nobody", "--vcenter", "x"), "KL-1091"),
        (("vcenter", "test", "x"), "KL-1091"),
        (("vcenter", "remove", "x"), "KL-1091"),
        (("--config", "/nowhere.toml", "run", "list"), "KL-1001"),
    ],
)
def test_what_is_not_there_is_said_with_code_and_remedy(
    terminal: Terminal, arguments: tuple[str, ...], code: str
) -> None:
    answer = terminal.call(*arguments)
    assert answer.status == 2
    first, second = answer.errors.splitlines()
    assert first.startswith("error: ")
    assert first.endswith(f"({code})")
    assert second

    error = terminal.call(*arguments, "--json").document["error"]
    assert (error["code"], error["remedy"], error["exit_status"]) == (code, second, 2)


def test_before_init_every_command_says_to_run_it(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPLINE_STATE_FOLDER", str(tmp_path / "nowhere"))
    answer = terminal.call("run", "list")
    assert answer.status == 2
    assert "keepline init" in answer.errors


def test_a_wrong_setting_is_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPLINE_WORKERS_PER_DISK", "many")
    answer = terminal.call("run", "list")
    assert (answer.status, "workers_per_disk" in answer.errors) == (2, True)


def test_a_vcenter_is_added_with_a_password_from_a_file(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{terminal.desk.gateway.password}\nsecond line\n")
    add = ("vcenter", "add", "vc.example", "--name", "second", "--user", terminal.desk.gateway.user)

    answer = terminal.call(*add, "--password-file", str(file), "--thumbprint", SHA256, "--json")

    assert answer.document["vcenter"]["name"] == "second"
    assert terminal.desk.gateway.password not in answer.output + answer.errors
    assert terminal.desk.vcenters.address_of("second").password == terminal.desk.gateway.password


def test_a_password_may_come_from_standard_input(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{terminal.desk.gateway.password}\n"))
    add = ("vcenter", "add", "vc.example", "--name", "second", "--user", terminal.desk.gateway.user)
    assert terminal.call(*add, "--password-file", "-", "--thumbprint", SHA256).status == 0


def test_an_unconfirmed_certificate_is_shown_and_nothing_is_added(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("secret\n"))
    answer = terminal.call("vcenter", "add", "vc.example", "--user", "u", "--password-file", "-")
    assert answer.status == 2
    assert SHA256 in answer.errors
    assert "--thumbprint" in answer.errors


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_password_that_cannot_be_had_is_an_error(
    terminal: Terminal, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    add = ("vcenter", "add", "vc.example", "--user", "u", "--thumbprint", SHA256)
    answer = terminal.call(*add, "--password-file", str(file))
    assert (answer.status, "KL-1101" in answer.errors) == (2, True)


def test_a_test_that_fails_has_the_errors_exit_status(terminal: Terminal) -> None:
    assert terminal.call("vcenter", "test", "main").status == 0
    terminal.desk.gateway.password = "changed"
    answer = terminal.call("vcenter", "test", "main")
    assert answer.status == 3
    assert "ok      certificate" in answer.output
    assert "failed  log-in" in answer.output

    document = terminal.call("vcenter", "test", "main", "--json").document
    assert (document["ok"], document["error"]["code"]) == (False, "KL-2003")


def test_vcenters_are_listed_without_their_passwords(terminal: Terminal) -> None:
    answer = terminal.call("vcenter", "list")
    assert SHA256 in answer.output  # whole, and with no emoji in it
    (listed,) = terminal.call("vcenter", "list", "--json").document["vcenters"]
    assert sorted(listed) == ["host", "name", "port", "thumbprint", "user"]


def test_machines_are_listed_with_their_newest_point(terminal: Terminal) -> None:
    terminal.desk.gateway.inventory = [machine("web-01", 1), machine("bare", 2)]
    terminal.desk.catalog.points = [replace(point(1), machine=machine("web-01", 1).identity)]

    heading, first, second = terminal.call("vm", "list").output.splitlines()
    assert heading.split() == ["NAME", "POWER", "DISKS", "SIZE", "TRACKING", "NEWEST", "POINT", "PATH"]
    assert "2026-01-01 01:00:00Z" in first
    assert "2026" not in second


def test_points_are_listed_and_shown(terminal: Terminal) -> None:
    terminal.desk.catalog.points = [point(2), point(1, image(disk()))]

    lines = terminal.call("point", "list").output.splitlines()
    assert [line.split()[0] for line in lines] == ["POINT", "point-001", "point-002"]
    assert "Hard disk 1" in terminal.call("point", "show", "point-001").output
    document = terminal.call("point", "show", "point-001", "--json").document
    assert document["point"]["images"][0]["disk"]["device_key"] == 2000


def test_runs_are_listed_shown_and_cancelled(terminal: Terminal) -> None:
    terminal.desk.catalog.points = [point(1)]
    run = terminal.desk.points.request_verification(point(1).id).run
    terminal.desk.log.append(run.id, RunLogLine(NOW, "it waits", warning=True))

    assert run.id in terminal.call("run", "list", "--state", "queued").output
    assert run.id not in terminal.call("run", "list", "--state", "failed").output
    assert "WARNING it waits" in terminal.call("run", "show", run.id).output
    shown = terminal.call("run", "show", run.id, "--json").document
    assert (shown["run"]["request"], shown["log"][0]["text"]) == ({"point": "point-001"}, "it waits")
    assert "cancelled" in terminal.call("run", "cancel", run.id).output
    assert "cancelled" in terminal.call("run", "cancel", run.id).output, "asking twice does no harm"


def test_a_run_that_waits_says_for_what(terminal: Terminal) -> None:
    terminal.desk.catalog.points = [point(1)]
    run = terminal.desk.points.request_verification(point(1).id).run
    soon = terminal.desk.clock.now() + timedelta(minutes=5)
    terminal.desk.run_store.request(replace(run, id=RunId("r-2"), retry_of=run.id, not_before=soon))

    wait = f"a pause until 00:05 UTC, before it repeats run {run.id}"
    assert f"waits: {wait}" in terminal.call("run", "list").output
    assert terminal.call("run", "list", "--json").document["waits"] == {"r-2": wait}
    shown = terminal.call("run", "show", "r-2")
    assert f"waits        {wait}" in shown.output
    assert f"repeats      {run.id}" in shown.output
    assert terminal.call("run", "show", "r-2", "--json").document["waits"] == wait


def test_only_a_run_that_has_not_done_its_work_can_be_repeated(terminal: Terminal) -> None:
    terminal.desk.catalog.points = [point(1)]
    run = terminal.desk.points.request_verification(point(1).id).run
    claimed = terminal.desk.run_store.claim_next(NOW)
    assert claimed is not None
    terminal.desk.run_store.finish(claimed, RunOutcome(RunState.SUCCEEDED, "{}"), NOW)

    refused = terminal.call("run", "retry", run.id, "--json")
    assert refused.status == 2
    assert refused.document["error"]["code"] == "KL-1012"


def test_init_refuses_a_second_repository(terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    answer = terminal.call("init", str(folder), "--json")
    assert answer.status == 2
    assert answer.document["error"]["code"] == "KL-1094"


def run_that(state: RunState, failure: RunFailure | None = None) -> Run:
    return Run(RunId("r"), RunKind.BACKUP, "m", "m", state, NOW, "{}", failure=failure)


@pytest.mark.parametrize(
    ("runs", "status"),
    [
        ([run_that(RunState.SUCCEEDED)], 0),
        ([run_that(RunState.SUCCEEDED), run_that(RunState.COMPLETED_WITH_GAPS)], 10),
        (
            [
                run_that(RunState.COMPLETED_WITH_GAPS),
                run_that(RunState.FAILED, RunFailure("KL-4011", "full", "Make room.", 5)),
            ],
            5,
        ),
    ],
)
def test_the_worst_end_decides_the_exit_status(runs: list[Run], status: int) -> None:
    assert exit_status_of(runs) == status

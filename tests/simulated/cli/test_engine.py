"""The engine as a service: processes that start, wait, take over and stop, over the laboratory."""

from __future__ import annotations

import signal
import subprocess
from datetime import UTC, datetime, timedelta

from appliance.engine import EngineLock
from appliance.model.policies import Selection
from appliance.model.runs import Run, RunKind, RunState
from appliance.state import PolicyStore, RunFilter, RunStore, open_database
from tests.fakes.policies import policy
from tests.simulated.cli.shell import Shell
from tests.waiting import wait_until


def runs_of(shell: Shell) -> list[Run]:
    """All runs, oldest first."""
    with open_database(shell.state_folder) as database:
        return list(reversed(RunStore(database).list(RunFilter())))


def stop(process: subprocess.Popen[str]) -> str:
    """Ask an engine to stop; what it said."""
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "engine stopped" in output
    return errors


def miss_a_due_time(shell: Shell) -> None:
    """Make a policy as of yesterday: it is due now, for nobody has been the engine since, and tomorrow."""
    with open_database(shell.state_folder) as database:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        every_day = yesterday - timedelta(minutes=5)
        PolicyStore(database).add(
            policy(
                cron=f"{every_day:%M} {every_day:%H} * * *",
                vcenter=shell.lab.address.host,
                selection=Selection(names=("web-*",)),
                active_since=yesterday,
            )
        )


def test_an_engine_backs_up_what_a_policy_asks_for_without_a_further_hand(shell: Shell) -> None:
    shell.set_up()
    miss_a_due_time(shell)
    with shell.started("engine") as engine:
        wait_until(lambda: any(run.state is RunState.SUCCEEDED for run in runs_of(shell)))
        errors = stop(engine)
    assert "Traceback" not in errors
    (first, *_) = runs_of(shell)
    assert (first.kind, first.subject_name) == (RunKind.BACKUP, "web-01")
    assert shell.marked_snapshots() == []
    view = shell.document("policy", "show", "nightly")
    assert first.id in [run for firing in view["firings"] for run in firing["runs"]]
    log = shell.document("run", "show", first.id)["log"]
    assert log[0]["text"].startswith("asked for by policy nightly, due at ")


def test_an_engine_that_is_stopped_leaves_nothing_and_the_next_one_goes_on(shell: Shell) -> None:
    shell.set_up()
    miss_a_due_time(shell)
    with shell.started("engine") as engine:
        wait_until(shell.marked_snapshots)
        stop(engine)
    assert shell.marked_snapshots() == []
    assert [run.state for run in runs_of(shell)] == [RunState.INTERRUPTED]

    with shell.started("engine") as engine:
        wait_until(lambda: runs_of(shell)[0].state is RunState.SUCCEEDED)
        stop(engine)
    assert [(run.state, run.attempt) for run in runs_of(shell)] == [(RunState.SUCCEEDED, 2)]


def test_a_second_engine_takes_over_from_a_killed_one_without_a_double_run(shell: Shell) -> None:
    shell.set_up()
    with shell.started("engine") as first:
        wait_until(lambda: EngineLock(shell.state_folder).holder() == first.pid)
        with shell.started("engine") as second:
            wait_until(lambda: _has_said(second, "waiting: the engine of"))
            miss_a_due_time(shell)
            wait_until(shell.marked_snapshots)
            first.kill()
            first.communicate()
            wait_until(lambda: runs_of(shell)[0].state is RunState.SUCCEEDED)
            stop(second)
    assert [(run.state, run.attempt) for run in runs_of(shell)] == [(RunState.SUCCEEDED, 2)]
    assert shell.marked_snapshots() == []
    assert len(shell.document("policy", "show", "nightly")["firings"]) == 1


def test_a_waiting_engine_can_be_stopped(shell: Shell) -> None:
    shell.set_up()
    with EngineLock(shell.state_folder).held(), shell.started("engine") as waiting:
        wait_until(lambda: _has_said(waiting, "waiting: the engine of"))
        stop(waiting)
    assert runs_of(shell) == []


def _has_said(process: subprocess.Popen[str], text: str) -> bool:
    assert process.stderr is not None
    return text in process.stderr.readline()


def test_retiring_hides_a_point_and_deletes_nothing(shell: Shell) -> None:
    shell.set_up()
    first, second = (shell.document("backup", "web-01")["runs"][0]["result"]["point"] for _ in range(2))
    shell.call("policy", "add", "nightly", "--schedule", "30 2 * * *", "--vm", "web-*", "--keep-last", "1")
    before = objects_of(shell)
    shell.call("policy", "simulate")
    assert objects_of(shell) == before

    (retired,) = shell.document("policy", "retire")["retention"]

    assert [point["id"] for point in retired["plan"]["retire"]] == [first]
    assert [each["point"]["id"] for each in shell.document("point", "list")["points"]] == [second]
    assert shell.document("point", "show", first)["tombstone"]["explanation"] == "kept by no rule of nightly"
    after = objects_of(shell)
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1
    assert shell.document("point", "verify", first)["run"]["result"]["damaged"] == []
    assert shell.document("policy", "retire")["retention"][0]["plan"]["retire"] == []


def objects_of(shell: Shell) -> dict[str, bytes]:
    """Every file of the repository with its content."""
    folder = shell.repository
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

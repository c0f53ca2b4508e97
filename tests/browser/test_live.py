"""Engine and console at work as processes over the laboratory, and somebody who watches in Chromium.

The one test here waits for real minutes: a policy that is due every minute is what it is about.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunState
from appliance.state import Firing, PolicyStore, RunFilter, RunStore, open_database
from keepline_lab import Disk, LibraryBehaviour, Machine
from keepline_lab.laboratories import StartLab
from tests.browser.person import Person
from tests.simulated.cli.console_process import serving
from tests.simulated.cli.shell import COMMAND, Shell
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.browser

MIB = 1 << 20
POLICY = "minutely"
SLOW = LibraryBehaviour(bytes_per_second={"nbdssl": MIB // 2})
"""A first backup of 8 MiB by two connections is at work long enough to be met there."""
PATIENCE_MILLISECONDS = PATIENCE_SECONDS * 1000


@pytest.fixture
def shell(laboratory: StartLab, tmp_path: Path) -> Shell:
    """An appliance with a vCenter of two machines, and a policy by the minute on a tag that one has."""
    for name, byte in (("app-01", b"1"), ("app-02", b"2")):
        (tmp_path / name).write_bytes((byte * 4095 + b"\n") * (8 * MIB // 4096))
    machines = [Machine(name, (Disk(image=tmp_path / name),)) for name in ("app-01", "app-02")]
    made = Shell(laboratory(*machines, behaviour=SLOW), tmp_path)
    made.set_up()
    made.lab.control.tag("app-01", "backup", "gold")
    made.call(
        "policy", "add", POLICY, "--schedule", "* * * * *", "--tag", "backup/gold", "--keep-last", "100"
    )
    return made


@contextmanager
def engine(shell: Shell) -> Iterator[subprocess.Popen[bytes]]:
    """`keepline engine`; its log goes to a file, for nobody reads it while it works."""
    with (
        (shell.folder / "engine.log").open("ab") as log,
        subprocess.Popen(
            [*COMMAND, "engine"], env=os.environ | shell.environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def runs_of(shell: Shell, machine: str) -> list[Run]:
    """The runs of a machine, oldest first."""
    with open_database(shell.state_folder) as database:
        runs = RunStore(database).list(RunFilter(limit=1000))
    return [run for run in reversed(runs) if run.subject_name == machine]


def firings_of(shell: Shell) -> tuple[Firing, ...]:
    with open_database(shell.state_folder) as database:
        store = PolicyStore(database)
        return store.firings(store.find(POLICY).id, limit=1000)


def wait_for_count(page: Page, figure: str, text: str) -> None:
    """Return when a figure of the dashboard shows this."""
    shown = "([selector, text]) => document.querySelector(selector)"
    shown += "?.textContent.replace(/\\s+/g, ' ').trim() === text"
    selector = f'section[aria-label="{figure}"] .value'
    page.wait_for_function(shown, arg=[selector, text], timeout=PATIENCE_MILLISECONDS)


def watch_it_move(page: Page, selector: str) -> None:
    """Return when a bar has stood at two places between its ends."""
    is_between = "([selector, last]) => { const bar = document.querySelector(selector);"
    is_between += " return bar && bar.value > 0 && bar.value < 100 && bar.value !== last && bar.value; }"
    first = page.wait_for_function(is_between, arg=[selector, -1], timeout=PATIENCE_MILLISECONDS).json_value()
    page.wait_for_function(is_between, arg=[selector, first], timeout=PATIENCE_MILLISECONDS)


def test_a_policy_on_a_tag_protects_without_a_further_hand_and_can_be_watched(
    shell: Shell, chromium: Browser
) -> None:
    with serving(shell.environment) as console:
        person = Person(chromium, console.address, {})
        person.sign_in()
        page = person.page
        wait_for_count(page, "Protected", "0 of 2")
        with engine(shell) as first:
            check_dashboard_follows(page)
            assert runs_of(shell, "app-02") == []
            shell.lab.control.tag("app-02", "backup", "gold")
            joined = open_run_that_joined(page)
            kill_in_mid_run(shell, first, joined)
        with engine(shell) as second:
            page.wait_for_selector('.tag:has-text("Succeeded")', timeout=PATIENCE_MILLISECONDS)
            assert page.evaluate("window.sameDocument"), "the run's page was not loaded again"
            check_dashboard_knows_both(person)
            second.terminate()
            assert second.wait(PATIENCE_SECONDS) == 0
        person.leave()
        assert person.complaints == []

    assert "Traceback" not in (shell.folder / "engine.log").read_text()
    check_nothing_ran_twice(shell, joined)
    check_point_holds_the_disk(shell, joined)


def check_dashboard_follows(page: Page) -> None:
    """A run begins, moves on and ends; the machine counts as protected; all of it on one page."""
    page.evaluate("window.sameDocument = true")
    watch_it_move(page, 'progress[aria-label$="of app-01"]')
    wait_for_count(page, "Protected", "1 of 2")
    assert page.evaluate("window.sameDocument"), "the dashboard was not loaded again"


def open_run_that_joined(page: Page) -> RunId:
    """Go to the run of the machine that was tagged later, and see it move."""
    page.click('a[id^="run-"]:has-text("app-02")', timeout=PATIENCE_MILLISECONDS)
    page.wait_for_url("**/runs/*")
    page.evaluate("window.sameDocument = true")
    watch_it_move(page, 'progress[aria-label="Overall progress"]')
    return RunId(page.url.rpartition("/")[2])


def kill_in_mid_run(shell: Shell, working: subprocess.Popen[bytes], joined: RunId) -> None:
    """kill -9 of the engine while the machine that joined is read."""
    working.kill()
    working.wait()
    (run,) = runs_of(shell, "app-02")
    assert (run.id, run.state) == (joined, RunState.RUNNING)


def check_dashboard_knows_both(person: Person) -> None:
    """By itself that the second machine has a point; that its tag protects it, from the next inventory."""
    page = person.open("/")
    wait_for_count(page, "Never backed up", "0")
    person.open("/machines")
    page.click('form[action="/machines/refresh"] button')
    person.open("/")
    wait_for_count(page, "Protected", "2 of 2")


def check_nothing_ran_twice(shell: Shell, joined: RunId) -> None:
    """A due time has one run a machine, in as many attempts as it took; the rest succeeded at once."""
    wait_until(lambda: shell.lab.control.state().open_handles == (), "the movers have ended")
    firings = firings_of(shell)
    asked = [run for firing in firings for run in firing.runs]
    runs = {run.id: run for name in ("app-01", "app-02") for run in runs_of(shell, name)}
    assert len({firing.due_key for firing in firings}) == len(firings)
    assert set(asked) == set(runs)
    for firing in firings:
        machines = [runs[run].subject_name for run in firing.runs]
        assert sorted(machines) == sorted(set(machines))
    assert (runs[joined].state, runs[joined].attempt) == (RunState.SUCCEEDED, 2)
    assert {run.state for run in runs.values()} <= {RunState.SUCCEEDED, RunState.INTERRUPTED}


def check_point_holds_the_disk(shell: Shell, run: RunId) -> None:
    """Also after what the last engine has left to be gone on with was done."""
    target = shell.folder / "restored.raw"
    shell.call("restore", "disk", run, "0", "--to", str(target))
    assert target.read_bytes() == (shell.folder / "app-02").read_bytes()
    for interrupted in (each for each in runs_of(shell, "app-01") if not each.has_ended):
        shell.call("backup", "app-01")
        assert interrupted.id in {each.id for each in runs_of(shell, "app-01") if each.has_ended}
    assert shell.marked_snapshots() == []

"""kill -9 of the console's worker at points of a request: it is replaced, and nobody has to begin anew.

A form whose answer never came has either done what it says, once, or nothing; sending it again is safe.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from appliance.model.runs import ACTIVE_STATES, Run, RunState
from appliance.services import RunFilter
from keepline_lab import Disk, Lab, Machine, Simulators
from tests.faults.appliance.aftermath import Ledger
from tests.faults.appliance.engine_service import ask_for_backup, ended_run, engine_service
from tests.faults.console.holds import AtAuditTrail, AtDatabase, AtNothing, AtVcenter, Hold
from tests.simulated.appliance.command_line import WarmProcess, environment_of
from tests.simulated.appliance.installation import MACHINE, VCENTER, Installation, result_of
from tests.simulated.cli.console_process import Console, serving
from tests.waiting import wait_until

MIB = 1 << 20
ALL_RUNS = "SELECT count(*) FROM runs"
CANCELLED_RUNS = "SELECT count(*) FROM runs WHERE state = 'cancelled'"


class Form(StrEnum):
    """What somebody sends."""

    PAGE = "a page"
    REFRESH = "read the inventory"
    BACKUP = "back up"
    RESTORE_MACHINE = "restore a machine"
    RESTORE_DISK = "restore a disk"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class RequestPoint:
    """Where a request is when the worker dies, and whether what it asks for is done by then."""

    name: str
    form: Form
    hold: Hold
    done: bool = False

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


WORKER_POINTS = (
    RequestPoint("a page is asked for", Form.PAGE, AtNothing()),
    RequestPoint("the inventory is read", Form.REFRESH, AtVcenter("RetrievePropertiesEx")),
    RequestPoint("a backup logs in to vCenter", Form.BACKUP, AtVcenter("Login")),
    RequestPoint("a backup looks its machine up", Form.BACKUP, AtVcenter("RetrievePropertiesEx")),
    RequestPoint("a backup leaves vCenter", Form.BACKUP, AtVcenter("Logout")),
    RequestPoint("a backup waits for the database", Form.BACKUP, AtDatabase(logouts=1)),
    RequestPoint("a backup is queued but not answered", Form.BACKUP, AtAuditTrail(ALL_RUNS), done=True),
    RequestPoint("a restore checks its target", Form.RESTORE_MACHINE, AtVcenter("RetrievePropertiesEx")),
    RequestPoint(
        "a restore is queued but not answered", Form.RESTORE_DISK, AtAuditTrail(ALL_RUNS), done=True
    ),
    RequestPoint("a cancellation waits for the database", Form.CANCEL, AtDatabase()),
    RequestPoint(
        "a run is cancelled but nobody is told", Form.CANCEL, AtAuditTrail(CANCELLED_RUNS), done=True
    ),
)


@pytest.fixture(scope="module")
def ledger(simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One appliance for all points, with one point of its machine."""
    folder = tmp_path_factory.mktemp("console")
    with Lab.start(folder / "lab", [Machine(MACHINE, (Disk(size=MIB),))], simulators=simulators) as lab:
        made = Ledger(Installation.make(folder / "appliance", lab))
        moment = made.guest_writes()
        made.moments[result_of(made.installation.back_up()).point] = moment
        yield made


@pytest.fixture(scope="module")
def console(ledger: Ledger) -> Iterator[Console]:
    with serving(environment_of(ledger.installation)) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in and has a form in front of them."""

    console: Console
    ledger: Ledger
    cookie: str

    def sees_machine(self) -> bool:
        """Whether the inventory was read by this worker."""
        return MACHINE in self.console.answer("GET", "/machines", cookie=self.cookie)[1]

    def filled_form(self, form: Form, folder: Path) -> tuple[str, dict[str, str]]:
        """Where the form is sent to, and what is in it."""
        csrf = self.console.fields("/settings", self.cookie)["csrf"]
        point = list(self.ledger.moments)[-1]
        if form is Form.REFRESH:
            return "/machines/refresh", {"csrf": csrf}
        if form is Form.BACKUP:
            (machine,) = {listed.point.machine.key for listed in self.ledger.installation.listing().points}
            return f"/machines/{machine}/backups", {"csrf": csrf}
        if form is Form.CANCEL:
            return f"/runs/{ask_for_backup(self.ledger.installation)}/cancellation", {"csrf": csrf}
        asked = {"point": point, "target": "machine", "vcenter": VCENTER, "name": folder.name}
        if form is Form.RESTORE_DISK:
            file = folder / "restored.raw"
            asked = {"point": point, "target": "file", "disk": "0", "file": str(file), "format": "raw"}
        return "/restores", asked | self.console.fields(f"/restores/plan?{urlencode(asked)}", self.cookie)

    def sends(self, form: Form, path: str, fields: dict[str, str]) -> HTTPConnection:
        """Send it; the answer is not waited for."""
        if form is Form.PAGE:
            return self.console.asked("GET", "/machines", cookie=self.cookie)
        return self.console.asked("POST", path, urlencode(fields), self.cookie)


@pytest.fixture
def person(console: Console, ledger: Ledger) -> Person:
    made = Person(console, ledger, console.signed_in())
    wait_until(made.sees_machine, "the inventory is read")
    return made


def runs_of(ledger: Ledger) -> dict[str, Run]:
    with ledger.installation.open() as appliance:
        return {run.id: run for run in appliance.runs.page(RunFilter(limit=1000))}


def cancel_all(ledger: Ledger) -> None:
    with ledger.installation.open() as appliance:
        active = appliance.runs.page(RunFilter(states=ACTIVE_STATES))
        appliance.runs.cancel_active([run.id for run in active])


@pytest.mark.parametrize("point", WORKER_POINTS, ids=str)
def test_worker_killed_at_a_point_of_a_request(
    point: RequestPoint, console: Console, ledger: Ledger, person: Person, tmp_path: Path
) -> None:
    path, fields = ("", {}) if point.form is Form.PAGE else person.filled_form(point.form, tmp_path)
    before = runs_of(ledger)
    with point.hold.held(ledger.installation, tmp_path) as wait_for_it:
        cut = person.sends(point.form, path, fields)
        wait_for_it()
        console.kill_worker()
    cut.close()

    assert console.answer("GET", "/settings", cookie=person.cookie)[0] == 200, "still signed in"
    new = set(runs_of(ledger)) - set(before)
    is_asking = point.form in {Form.BACKUP, Form.RESTORE_MACHINE, Form.RESTORE_DISK}
    assert len(new) == (1 if is_asking and point.done else 0)
    check_form_still_counts(point, person, path, fields)
    assert len(set(runs_of(ledger)) - set(before)) == (1 if is_asking else 0), "it was done once"
    if point.form is Form.CANCEL:
        (run,) = [run for run in runs_of(ledger).values() if run.id in path]
        assert run.state is RunState.CANCELLED
    cancel_all(ledger)


def check_form_still_counts(point: RequestPoint, person: Person, path: str, fields: dict[str, str]) -> None:
    """The form in hand, with the token of a worker that is dead, is answered by the next one."""
    if point.form is Form.PAGE:
        wait_until(person.sees_machine, "the page is there")
        return
    wait_until(person.sees_machine, "the inventory is read again")
    status, page, _ = person.console.answer("POST", path, urlencode(fields), person.cookie)
    assert status == 303, page


def test_worker_killed_in_the_middle_of_a_form_has_done_nothing(
    console: Console, ledger: Ledger, person: Person, tmp_path: Path
) -> None:
    path, fields = person.filled_form(Form.BACKUP, tmp_path)
    before = runs_of(ledger)
    body = urlencode(fields)
    half = HTTPConnection("127.0.0.1", console.port)
    half.putrequest("POST", path)
    half.putheader("Cookie", person.cookie)
    half.putheader("Content-Type", "application/x-www-form-urlencoded")
    half.putheader("Content-Length", str(len(body)))
    half.endheaders(body[: len(body) // 2].encode())
    console.kill_worker()
    half.close()

    assert runs_of(ledger) == before
    assert console.answer("GET", "/", cookie=person.cookie)[0] == 200


def test_worker_killed_as_soon_as_it_is_there_is_replaced_again(console: Console, person: Person) -> None:
    for _ in range(3):
        os.kill(console.worker(), signal.SIGKILL)
    console.wait_until_it_answers()

    assert console.answer("GET", "/", cookie=person.cookie)[0] == 200


def test_run_whose_form_was_cut_is_carried_out_like_any_other(
    console: Console, ledger: Ledger, person: Person, keepline: WarmProcess, tmp_path: Path
) -> None:
    """What the dead worker has queued, an engine takes up: it never hears of the console."""
    moment = ledger.guest_writes()
    path, fields = person.filled_form(Form.BACKUP, tmp_path)
    before = runs_of(ledger)
    with AtAuditTrail(ALL_RUNS).held(ledger.installation, tmp_path) as wait_for_it:
        cut = person.sends(Form.BACKUP, path, fields)
        wait_for_it()
        with engine_service(keepline, ledger.installation) as engine:
            engine.start()
            (queued,) = set(runs_of(ledger)) - set(before)
            console.kill_worker()
            run = ended_run(ledger.installation, runs_of(ledger)[queued].id)
            engine.stop()
    cut.close()

    assert run.state is RunState.SUCCEEDED, run.failure
    ledger.moments[result_of(run).point] = moment
    ledger.check_points()
    wait_until(lambda: f"/runs/{run.id}" in console.answer("GET", "/runs", cookie=person.cookie)[1])

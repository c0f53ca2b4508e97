"""Calls to vCenter that fail, get lost or come late; sessions that end; a vCenter that dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.errors import ApplianceError
from appliance.model.identifiers import RecoveryPointId
from appliance.model.runs import Run, RunState
from keepline_lab import Disk, Lab, Machine, Simulators
from keepline_lab.control import CallFault
from tests.faults.appliance.aftermath import Ledger
from tests.faults.appliance.breakpoints import LibraryCall
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import (
    MACHINE,
    Installation,
    contents_now,
    contents_of,
    ours_left,
    result_of,
)

LONG = bool(os.environ.get("KEEPLINE_TEST_LONG"))
KIB = 1024
ACTIONS = ("fault", "task_fault", "http_503", "drop", "drop_after", "delay")
BACKUP_CALLS = (
    ("Login", 1),
    ("RetrieveServiceContent", 1),
    ("FindByUuid", 1),
    ("RetrievePropertiesEx", 1),
    ("RetrievePropertiesEx", 9),
    ("RetrievePropertiesEx", 16),
    ("CreateSnapshot_Task", 1),
    ("QueryChangedDiskAreas", 1),
    ("QueryChangedDiskAreas", 2),
    ("RemoveSnapshot_Task", 1),
    ("Logout", 2),
)
RESTORE_CALLS = (
    ("CreateVM_Task", 1),
    ("RetrievePropertiesEx", 7),
    ("ReconfigVM_Task", 1),
    ("Logout", 1),
)


def matrix(calls: tuple[tuple[str, int], ...]) -> list[tuple[str, int, str]]:
    """Every call with every action in long runs, with two that differ from call to call in bounded ones."""
    every = [
        (method, nth, action)
        for method, nth in calls
        for action in ACTIONS
        if action != "task_fault" or method.endswith("_Task")
    ]
    if LONG:
        return every
    return [each for number, each in enumerate(every) if number % 3 == 0 or each[0] == "CreateVM_Task"]


@pytest.fixture(scope="module")
def ledger(simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One appliance for the whole matrix: what one fault leaves behind would show in the next test."""
    folder = tmp_path_factory.mktemp("matrix")
    machine = Machine(MACHINE, (Disk(size=1400 * KIB), Disk(size=700 * KIB)))
    with Lab.start(folder / "lab", [machine], simulators=simulators) as lab:
        made = Ledger(Installation.make(folder / "appliance", lab))
        back_up(made)
        yield made


def back_up(ledger: Ledger) -> Run | None:
    """A backup of what the guest has just written; None where it was not even asked for."""
    moment = ledger.guest_writes()
    try:
        run = ledger.installation.back_up()
    except ApplianceError as error:
        assert error.code.startswith("KL-2")  # noqa: PT017 - most examples do not raise
        return None
    # A run that could not let go of the machine fails loudly, but its point is whole (rule 4).
    if RecoveryPointId(run.id) in {listed.point.id for listed in ledger.installation.listing().points}:
        ledger.moments[RecoveryPointId(run.id)] = moment
    else:
        assert run.state is RunState.FAILED
    return run


def spoil(lab: Lab, method: str, nth: int, action: str) -> None:
    lab.control.add_fault(
        CallFault(
            method,
            action,
            nth=nth,
            fault="InvalidState" if action == "task_fault" else "",
            message="spoiled by the test",
            milliseconds=700 if action == "delay" else 0,
        )
    )


@pytest.mark.parametrize(("method", "nth", "action"), matrix(BACKUP_CALLS))
def test_backup_with_one_spoiled_call(method: str, nth: int, action: str, ledger: Ledger) -> None:
    """It overcomes the fault or says what it was; after the next run nothing is left of it."""
    lab = ledger.installation.lab
    spoil(lab, method, nth, action)
    try:
        run = back_up(ledger)
    finally:
        lab.control.clear_faults()
    if run is not None and run.state is not RunState.SUCCEEDED:
        assert run.state is RunState.FAILED
        assert run.failure is not None
        assert run.failure.code.startswith("KL-2"), run.failure
    if action == "delay":
        assert run is not None
        assert run.state is RunState.SUCCEEDED, run.failure

    again = back_up(ledger)

    assert again is not None
    assert again.state is RunState.SUCCEEDED, again.failure
    ledger.check()


@pytest.mark.parametrize(("method", "nth", "action"), matrix(RESTORE_CALLS))
def test_restore_with_one_spoiled_call(method: str, nth: int, action: str, ledger: Ledger) -> None:
    """A machine that is whole, or none."""
    lab = ledger.installation.lab
    point, disks = list(ledger.moments.items())[-1]
    before = {machine.name for machine in lab.control.machines()}
    name = f"restored-{method}-{nth}-{action}"
    spoil(lab, method, nth, action)
    try:
        run = ledger.installation.restore_machine(point, name)
    finally:
        lab.control.clear_faults()

    again = back_up(ledger)

    assert again is not None
    assert again.state is RunState.SUCCEEDED, again.failure
    machines = {machine.name: machine for machine in lab.control.machines()}
    if run.state is RunState.SUCCEEDED:
        assert list(contents_of(machines[name]).values()) == list(disks.values())
        assert set(machines) == before | {name}
    else:
        assert run.failure is not None
        assert run.failure.code.startswith("KL-2"), run.failure
        assert set(machines) == before
    ledger.check()


# In mid-run


@pytest.fixture
def halting(installation_of: MakeInstallation) -> Installation:
    """An appliance that takes a VDDK call for hanging after a second."""
    machine = Machine(MACHINE, (Disk(size=1400 * KIB), Disk(size=700 * KIB)))
    return installation_of(machine, call_limit_seconds=3.0)


def back_up_with(installation: Installation, folder: Path, trouble: str) -> Run:
    """A backup that halts at its first read, while there is trouble with vCenter."""
    lab = installation.lab
    with ThreadPoolExecutor(1) as pool:
        with LibraryCall("VixDiskLib_Read").armed(lab, folder) as wait_for_it:
            running = pool.submit(installation.back_up)
            wait_for_it()
            if trouble == "sessions end":
                assert lab.control.terminate_sessions() > 0
            else:
                lab.kill_vcenter()
                lab.restart_vcenter()
        return running.result()


def test_sessions_that_end_in_mid_run_are_renewed(halting: Installation, tmp_path: Path) -> None:
    ledger = Ledger(halting)
    moment = ledger.guest_writes()

    run = back_up_with(halting, tmp_path, "sessions end")

    assert run.state is RunState.SUCCEEDED, run.failure
    ledger.moments[result_of(run).point] = moment
    ledger.check()


def test_vcenter_that_restarts_in_mid_run_costs_at_most_that_run(
    halting: Installation, tmp_path: Path
) -> None:
    ledger = Ledger(halting)
    moment = ledger.guest_writes()

    run = back_up_with(halting, tmp_path, "vCenter restarts")

    if run.state is RunState.SUCCEEDED:
        ledger.moments[result_of(run).point] = moment
    again = halting.back_up()
    assert again.state is RunState.SUCCEEDED, again.failure
    ledger.moments[result_of(again).point] = moment
    ledger.check()


def test_snapshot_that_cannot_be_removed_stays_in_the_journal_until_it_can(ledger: Ledger) -> None:
    """Rules 4 and 9: the point is whole by then and stays, but the run says that something is left."""
    lab = ledger.installation.lab
    moment = contents_now(lab)
    lab.control.add_fault(
        CallFault("RemoveSnapshot_Task", "task_fault", count=50, fault="InvalidState", message="not now")
    )
    try:
        run = ledger.installation.back_up()
    finally:
        lab.control.clear_faults()
    assert run.failure is not None
    assert run.failure.code == "KL-2041"
    assert ours_left(lab) != []
    ledger.moments[RecoveryPointId(run.id)] = moment

    again = back_up(ledger)

    assert again is not None
    assert again.state is RunState.SUCCEEDED, again.failure
    ledger.check()

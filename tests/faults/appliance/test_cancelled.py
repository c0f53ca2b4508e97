"""Cancelling a run and stopping its engine, in every phase: a defined end, and nothing left anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.model.identifiers import RecoveryPointId, RunId
from appliance.model.runs import Run, RunState
from appliance.services import BackupOrder
from keepline_lab import Disk, Machine
from tests.faults.appliance.aftermath import Ledger
from tests.faults.appliance.breakpoints import Breakpoint, LibraryCall
from tests.faults.appliance.engine_service import EngineService, ask_for_backup, ended_run, engine_service
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import MACHINE, VCENTER, Installation, ours_left, result_of
from tests.waiting import wait_until

KIB = 1024
OTHER = "db-01"
MOMENTS = [
    LibraryCall("VixDiskLib_PrepareForAccess"),
    LibraryCall("VixDiskLib_ConnectEx"),
    LibraryCall("VixDiskLib_Open"),
    LibraryCall("VixDiskLib_Read"),
]


@pytest.fixture
def installation(installation_of: MakeInstallation) -> Installation:
    disks = (Disk(size=2000 * KIB), Disk(size=700 * KIB + 512))
    return installation_of(Machine(MACHINE, disks), Machine(OTHER, disks), concurrent_runs_per_host=1)


@pytest.fixture
def ledger(installation: Installation) -> Ledger:
    """A machine with one point, changed since."""
    made = Ledger(installation)
    moment = made.guest_writes()
    made.moments[result_of(installation.back_up()).point] = moment
    made.guest_writes()
    return made


@pytest.fixture
def engine(keepline: WarmProcess, installation: Installation) -> Iterator[EngineService]:
    with engine_service(keepline, installation) as service:
        yield service


def find(installation: Installation, run: RunId) -> Run:
    with installation.open() as appliance:
        return appliance.runs.find(run)


def cancel_twice(installation: Installation, run: RunId) -> None:
    with installation.open() as appliance:
        appliance.runs.cancel(run)
        appliance.runs.cancel(run)


def back_up_and_check(ledger: Ledger) -> None:
    """The next run succeeds, and after it nothing is left of any."""
    moment = ledger.guest_writes()
    ledger.moments[result_of(ledger.installation.back_up()).point] = moment
    ledger.check()


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_run_is_cancelled_wherever_it_is(
    moment: Breakpoint, ledger: Ledger, engine: EngineService, tmp_path: Path
) -> None:
    run = ask_for_backup(ledger.installation)
    with moment.armed(ledger.installation.lab, tmp_path) as wait_for_it:
        engine.start()
        wait_for_it()
        cancel_twice(ledger.installation, run)
        assert ended_run(ledger.installation, run).state is RunState.CANCELLED
    cancelled = ended_run(ledger.installation, run)
    cancel_twice(ledger.installation, run)
    engine.stop()

    assert cancelled == find(ledger.installation, run)
    assert ours_left(ledger.installation.lab) == []
    back_up_and_check(ledger)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_an_engine_that_is_stopped_interrupts_its_run_wherever_it_is(
    moment: Breakpoint, ledger: Ledger, engine: EngineService, tmp_path: Path
) -> None:
    run = ask_for_backup(ledger.installation)
    with moment.armed(ledger.installation.lab, tmp_path) as wait_for_it:
        engine.start()
        wait_for_it()
        engine.stop()
    assert find(ledger.installation, run).state is RunState.INTERRUPTED
    assert ours_left(ledger.installation.lab) == []

    moment_of_point = ledger.guest_writes()
    engine.start()
    resumed = ended_run(ledger.installation, run)
    engine.stop()

    assert (resumed.state, resumed.attempt) == (RunState.SUCCEEDED, 2)
    ledger.moments[RecoveryPointId(resumed.id)] = moment_of_point
    ledger.check()


def test_a_run_that_is_cancelled_in_its_second_attempt_takes_along_the_first_ones_snapshot(
    ledger: Ledger, engine: EngineService, tmp_path: Path
) -> None:
    """It is cancelled before it could take the snapshot over."""
    installation = ledger.installation
    run = ask_for_backup(installation)
    with LibraryCall("VixDiskLib_Read").armed(installation.lab, tmp_path) as wait_for_it:
        engine.start()
        wait_for_it()
        engine.kill()
    assert ledger.snapshots() != []
    with LibraryCall("VixDiskLib_PrepareForAccess").armed(installation.lab, tmp_path) as wait_for_it:
        engine.start()
        wait_for_it()
        assert ledger.snapshots() != []
        cancel_twice(installation, run)
        assert ended_run(installation, run).state is RunState.CANCELLED
    engine.stop()

    assert ledger.snapshots() == []
    back_up_and_check(ledger)


def test_a_run_that_waits_for_its_host_says_so_and_is_cancelled_at_once(
    ledger: Ledger, engine: EngineService, tmp_path: Path
) -> None:
    installation = ledger.installation
    run = ask_for_backup(installation)
    with LibraryCall("VixDiskLib_Read").armed(installation.lab, tmp_path) as wait_for_it:
        engine.start()
        wait_for_it()
        with installation.open() as appliance:
            (requested,) = appliance.backups.request(BackupOrder(VCENTER, [OTHER]))
            waiting = requested.run
            reasons = appliance.runs.waits_of([waiting])
            assert reasons == {waiting.id: f"host {waiting.place.host} is busy with 1 run"}
            assert appliance.runs.cancel(waiting.id).state is RunState.CANCELLED
            assert appliance.runs.cancel(waiting.id).state is RunState.CANCELLED
        cancel_twice(installation, run)
        wait_until(lambda: find(installation, run).has_ended, "the first run has ended, too")
    engine.stop()
    assert find(installation, waiting.id).attempt == 0
    back_up_and_check(ledger)

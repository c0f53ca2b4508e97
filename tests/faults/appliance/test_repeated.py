"""A backup that failed for a passing reason is repeated by whichever engine comes next, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.model.identifiers import RecoveryPointId, RunId
from appliance.model.runs import Run, RunState
from keepline_lab import Disk, Machine
from tests.faults.appliance.aftermath import Ledger
from tests.faults.appliance.engine_service import (
    EngineService,
    ask_for_backup,
    ended_run,
    engine_service,
    runs_of,
)
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import MACHINE, Installation
from tests.waiting import wait_until

KIB = 1024
PAUSE_MINUTES = 0.02


@pytest.fixture
def installation(installation_of: MakeInstallation) -> Installation:
    return installation_of(Machine(MACHINE, (Disk(size=700 * KIB),)), retry_pause_minutes=PAUSE_MINUTES)


@pytest.fixture
def engine(keepline: WarmProcess, installation: Installation) -> Iterator[EngineService]:
    with engine_service(keepline, installation) as service:
        yield service


def failed_while_vcenter_was_away(installation: Installation, engine: EngineService) -> RunId:
    run = ask_for_backup(installation)
    installation.lab.stop()
    engine.start()
    failed = ended_run(installation, run)
    engine.kill()
    assert failed.failure is not None
    assert (failed.state, failed.failure.transient) == (RunState.FAILED, True), failed.failure
    installation.lab.restart_vcenter()
    return run


def repetitions_of(installation: Installation, run: RunId) -> list[Run]:
    return [each for each in runs_of(installation) if each.retry_of == run]


def test_a_failed_backup_is_repeated_once_however_often_engines_come_and_go(
    installation: Installation, engine: EngineService
) -> None:
    ledger = Ledger(installation)
    moment = ledger.guest_writes()
    run = failed_while_vcenter_was_away(installation, engine)

    for _ in range(2):
        engine.start()
        wait_until(lambda: repetitions_of(installation, run), "the run is repeated")
        engine.kill()
    (repetition,) = repetitions_of(installation, run)
    engine.start()
    ended = ended_run(installation, repetition.id)
    engine.stop()

    assert ended.state is RunState.SUCCEEDED, ended.failure
    assert (ended.retry_number, ended.request) == (1, ended_run(installation, run).request)
    assert [each.id for each in runs_of(installation)] == [run, ended.id]
    ledger.moments[RecoveryPointId(ended.id)] = moment
    ledger.check()


def test_a_repetition_that_was_cancelled_in_its_pause_does_not_come_back(
    installation: Installation, engine: EngineService, keepline: WarmProcess
) -> None:
    failed_while_vcenter_was_away(installation, engine)
    with installation.open() as appliance:
        (repetition,) = appliance.retries.queue_due()
        appliance.runs.cancel(repetition.id)
        appliance.runs.cancel(repetition.id)

    assert keepline(installation, "backup", MACHINE).status == 0

    assert [each.state for each in runs_of(installation)] == [
        RunState.FAILED,
        RunState.CANCELLED,
        RunState.SUCCEEDED,
    ]
    with installation.open() as appliance:
        assert appliance.retries.queue_due() == []

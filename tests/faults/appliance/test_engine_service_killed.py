"""kill -9 of `keepline engine` at points of a run; the next engine puts it right, and nothing runs twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.model.disk_tasks import TargetFormat
from appliance.model.identifiers import RecoveryPointId, RunId
from appliance.model.policies import Policy
from appliance.model.requests import RestoreMachineRequest
from appliance.model.runs import Run, RunState
from keepline_lab import Disk, Lab, Machine, Simulators
from tests.faults.appliance.aftermath import Disks, Ledger
from tests.faults.appliance.engine_service import (
    EngineService,
    ask_for_backup,
    ended_run,
    engine_service,
    firings_of,
    miss_a_due_time,
    runs_of,
)
from tests.faults.appliance.run_points import ENGINE_POINTS, TAKE_OVER_POINTS, RunPoint, Work
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.installation import MACHINE, VCENTER, Installation, contents_of, result_of
from tests.waiting import wait_until

LONG = bool(os.environ.get("KEEPLINE_TEST_LONG"))
KIB = 1024
TIMES = (1, 2) if LONG else (1,)
"""In so many attempts one after the other; the third attempt is the last that is made."""


@pytest.fixture(scope="module")
def ledger(simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One appliance for all points: what one leaves behind would show at the next."""
    folder = tmp_path_factory.mktemp("killed")
    machine = Machine(MACHINE, (Disk(size=2000 * KIB), Disk(size=700 * KIB + 512)))
    with Lab.start(folder / "lab", [machine], simulators=simulators) as lab:
        made = Ledger(Installation.make(folder / "appliance", lab))
        moment = made.guest_writes()
        made.moments[result_of(made.installation.back_up()).point] = moment
        yield made


@pytest.fixture
def engine(keepline: WarmProcess, ledger: Ledger) -> Iterator[EngineService]:
    with engine_service(keepline, ledger.installation) as service:
        yield service


@dataclass(slots=True)
class Asked:
    """What is to be done: by a policy, whose run nobody has queued yet, or by a run that a person queued."""

    ledger: Ledger
    point: RunPoint
    folder: Path
    policy: Policy | None = None
    queued: RunId | None = None
    restored: RecoveryPointId | None = None

    @classmethod
    def now(cls, ledger: Ledger, point: RunPoint, folder: Path) -> Asked:
        made = cls(ledger, point, folder)
        if point.work is Work.BACKUP:
            made.policy = miss_a_due_time(ledger.installation, folder.name)
            return made
        made.restored = list(ledger.moments)[-1]
        with ledger.installation.open() as appliance:
            if point.work is Work.RESTORE_MACHINE:
                request = RestoreMachineRequest(made.restored, VCENTER, folder.name)
                made.queued = appliance.restores.request_machine(request).run.id
            else:
                requested = appliance.restores.request_disk(
                    made.restored, "0", folder / "restored.raw", TargetFormat.RAW
                )
                made.queued = requested.run.id
        return made

    def run(self) -> Run:
        """The one run that came of it, when it has ended; some engine works."""
        installation = self.ledger.installation
        if self.policy is None:
            assert self.queued is not None
            return ended_run(installation, self.queued)
        policy = self.policy
        wait_until(lambda: firings_of(installation, policy), "the due time is settled")
        (firing,) = firings_of(installation, policy)
        (run,) = firing.runs
        return ended_run(installation, run)

    def check_restored(self) -> None:
        """What was restored has the bytes of its point."""
        if self.restored is None:
            return
        disks = list(self.ledger.moments[self.restored].values())
        if self.point.work is Work.RESTORE_DISK:
            assert [path.name for path in self.folder.iterdir() if "once" not in path.name] == [
                "restored.raw"
            ]
            assert (self.folder / "restored.raw").read_bytes() == disks[0]
            return
        machines = {machine.name: machine for machine in self.ledger.installation.lab.control.machines()}
        assert list(contents_of(machines[self.folder.name]).values()) == disks


def kill_at(point: RunPoint, engine: EngineService, folder: Path) -> None:
    """Start an engine and kill it there."""
    if point.moment is None:
        engine.start(die_before=point.die_before)
        engine.wait_until_killed()
        return
    with point.moment.armed(engine.installation.lab, folder) as wait_for_it:
        engine.start()
        wait_for_it()
        engine.kill()


def is_kept(ledger: Ledger) -> bool:
    """Whether something is there to go on with: a snapshot, what is only to be committed, or the point."""
    points = {listed.point.id for listed in ledger.installation.listing().points}
    return bool(ledger.snapshots() or ledger.has_pending_point() or points - set(ledger.moments))


def check_next_backup(ledger: Ledger, engine: EngineService, moment: Disks) -> None:
    """The engine that took over carries out the next run like any other, and stops in order."""
    run = ended_run(ledger.installation, ask_for_backup(ledger.installation))
    assert run.state is RunState.SUCCEEDED, run.failure
    ledger.moments[result_of(run).point] = moment
    engine.stop()
    ledger.check()


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("point", ENGINE_POINTS, ids=str)
def test_engine_killed_at_a_point_of_a_run(
    point: RunPoint, times: int, ledger: Ledger, engine: EngineService, tmp_path: Path
) -> None:
    """The run ends well in a later attempt; a due time is settled once; the next run succeeds."""
    before = ledger.guest_writes()
    known = {run.id for run in runs_of(ledger.installation)}
    asked = Asked.now(ledger, point, tmp_path)
    for _ in range(times):
        kill_at(point, engine, tmp_path)
    is_resumed = is_kept(ledger)
    after = ledger.guest_writes()

    engine.start()
    run = asked.run()

    assert run.state is RunState.SUCCEEDED, run.failure
    assert [each.id for each in runs_of(ledger.installation) if each.id not in known] == [run.id]
    if point.work is Work.BACKUP:
        ledger.moments[result_of(run).point] = before if is_resumed else after
    asked.check_restored()
    check_next_backup(ledger, engine, after)


@pytest.mark.parametrize("point", TAKE_OVER_POINTS, ids=str)
def test_second_engine_takes_over_in_mid_run(
    point: RunPoint, ledger: Ledger, engine: EngineService, keepline: WarmProcess, tmp_path: Path
) -> None:
    """It waits for the lock that dies with the first one, and goes on with the first one's run."""
    before = ledger.guest_writes()
    known = {run.id for run in runs_of(ledger.installation)}
    with engine_service(keepline, ledger.installation) as second:
        asked = Asked.now(ledger, point, tmp_path)
        if point.moment is None:
            engine.start(die_before=point.die_before)
            wait_until(lambda: engine_process_of(ledger) == engine.process, "the first one is the engine")
            second.start()
            engine.wait_until_killed()
        else:
            with point.moment.armed(ledger.installation.lab, tmp_path) as wait_for_it:
                engine.start()
                wait_for_it()
                second.start()
                second.wait_until_it_said("waiting: the engine of")
                engine.kill()
        run = asked.run()

        assert run.state is RunState.SUCCEEDED, run.failure
        assert run.attempt == 2
        assert [each.id for each in runs_of(ledger.installation) if each.id not in known] == [run.id]
        ledger.moments[result_of(run).point] = before
        check_next_backup(ledger, second, before)


def engine_process_of(ledger: Ledger) -> int | None:
    """Who the engine says it is."""
    with ledger.installation.open() as appliance:
        return appliance.engine_lock.holder()

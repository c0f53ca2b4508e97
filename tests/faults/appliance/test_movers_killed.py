"""kill -9 of movers at points of a run: the run overcomes it, or ends with a clear error; nothing is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.model.runs import Run, RunState
from keepline_lab import Disk, Lab, Machine, Simulators, VddkFault
from tests.faults.appliance.aftermath import Ledger
from tests.faults.appliance.run_points import Work
from tests.simulated.appliance.installation import MACHINE, Installation, contents_of, users_of
from tests.waiting import wait_until

LONG = bool(os.environ.get("KEEPLINE_TEST_LONG"))
DEATHS = (1, 2) if LONG else (1,)
"""A task has three tries."""
KIB = 1024
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class MoverPoint:
    """The nth call of a VDDK function in one mover, which dies there.

    `full` reads the whole machine. The run survives so many deaths there: a mover of a disk is started again,
    the holder of the machine is not (without it vCenter may have moved the machine), but what it holds is
    given back by another one.
    """

    name: str
    work: Work
    function: str
    nth: int = 1
    full: bool = False
    survives: int = 2

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


MOVER_POINTS = (
    MoverPoint("access is prepared", Work.BACKUP, "VixDiskLib_PrepareForAccess", survives=0),
    MoverPoint("VDDK is loaded", Work.BACKUP, "VixDiskLib_InitEx", survives=0),
    MoverPoint("a disk is connected", Work.BACKUP, "VixDiskLib_ConnectEx"),
    MoverPoint("a disk is opened", Work.BACKUP, "VixDiskLib_Open"),
    MoverPoint("a disk is read", Work.BACKUP, "VixDiskLib_Read"),
    MoverPoint("a disk is read on", Work.BACKUP, "VixDiskLib_Read", nth=4, full=True),
    MoverPoint("a disk is closed", Work.BACKUP, "VixDiskLib_Close"),
    MoverPoint("access is ended", Work.BACKUP, "VixDiskLib_EndAccess", survives=1),
    MoverPoint("a new machine is held", Work.RESTORE_MACHINE, "VixDiskLib_PrepareForAccess", survives=0),
    MoverPoint("a new disk is opened", Work.RESTORE_MACHINE, "VixDiskLib_Open"),
    MoverPoint("a new disk is written", Work.RESTORE_MACHINE, "VixDiskLib_Write"),
    MoverPoint("a new disk is read back", Work.RESTORE_MACHINE, "VixDiskLib_Read"),
    MoverPoint("a new machine is let go", Work.RESTORE_MACHINE, "VixDiskLib_EndAccess", survives=1),
)


@pytest.fixture(scope="module")
def ledger(simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One appliance for all points: what one leaves behind would show at the next."""
    folder = tmp_path_factory.mktemp("movers")
    machine = Machine(MACHINE, (Disk(size=6 * MIB), Disk(size=700 * KIB + 512)))
    with Lab.start(folder / "lab", [machine], simulators=simulators) as lab:
        made = Ledger(Installation.make(folder / "appliance", lab, read_back_percent=100))
        lab.control.write_random(MACHINE, 0, 0, 5 * MIB, seed=77)
        back_up(made)
        yield made


def back_up(ledger: Ledger, *, full: bool = False) -> Run:
    """A backup of what the guest has just written; its point is kept in mind, if it made one."""
    moment = ledger.guest_writes()
    run = ledger.installation.back_up(full=full)
    for listed in ledger.installation.listing().points:
        ledger.moments.setdefault(listed.point.id, moment)
    return run


def carry_out(point: MoverPoint, ledger: Ledger, name: str) -> Run:
    if point.work is Work.BACKUP:
        return back_up(ledger, full=point.full)
    return ledger.installation.restore_machine(list(ledger.moments)[-1], name)


def check_ended(run: Run, *, may_fail: bool) -> None:
    """The run has overcome it, or failed because of it and says so."""
    if run.state is RunState.SUCCEEDED:
        return
    assert may_fail, run.failure
    assert run.state is RunState.FAILED
    assert run.failure is not None
    assert run.failure.code == "KL-5051"
    assert "SIGKILL" in run.failure.message


def check_goes_on(ledger: Ledger) -> None:
    """Nothing is left, and the next backup is like any other."""
    again = back_up(ledger)
    assert again.state is RunState.SUCCEEDED, again.failure
    ledger.check()


@pytest.mark.parametrize("deaths", DEATHS)
@pytest.mark.parametrize("point", MOVER_POINTS, ids=str)
def test_mover_killed_at_a_point_of_a_run(
    point: MoverPoint, deaths: int, ledger: Ledger, tmp_path: Path
) -> None:
    """A disk's mover is tried again; a restored machine is whole or not there."""
    lab = ledger.installation.lab
    disks = list(ledger.moments.values())[-1]
    before = {machine.name for machine in lab.control.machines()}
    once = [tmp_path / f"once-{number}" for number in range(deaths)]
    for file in once:
        file.touch()
    lab.set_vddk_faults([VddkFault(point.function, "kill", nth=point.nth, once=file) for file in once])

    run = carry_out(point, ledger, tmp_path.name)

    lab.set_vddk_faults([])
    assert not once[0].exists(), "no mover was killed"
    check_ended(run, may_fail=deaths > point.survives)
    machines = {machine.name: machine for machine in lab.control.machines()}
    if point.work is Work.RESTORE_MACHINE and run.state is RunState.SUCCEEDED:
        assert list(contents_of(machines.pop(tmp_path.name)).values()) == list(disks.values())
    assert set(machines) == before
    check_goes_on(ledger)


# Without VDDK


def test_mover_killed_while_it_writes_a_file_is_tried_again(ledger: Ledger, tmp_path: Path) -> None:
    """The file has its name only when every block is in it, whoever wrote it."""
    point, disks = list(ledger.moments.items())[-1]
    target = tmp_path / "restored.raw"
    with ThreadPoolExecutor(1) as pool:
        with blocked_segments(ledger.installation.repository, tmp_path / "aside"):
            running = pool.submit(ledger.installation.restore_file, point, "0", target)
            wait_until(lambda: users_of(tmp_path), "the mover has begun its file")
        for mover in users_of(tmp_path):
            os.kill(mover, signal.SIGKILL)
        run = running.result()

    check_ended(run, may_fail=False)
    assert any("SIGKILL" in line for line in ledger.installation.log_of(run.id))
    assert target.read_bytes() == next(iter(disks.values()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aside", "restored.raw"]
    check_goes_on(ledger)


@contextmanager
def blocked_segments(repository: Path, aside: Path) -> Iterator[None]:
    """While the context is open, whoever opens a segment waits, for ever if it has begun to."""
    aside.mkdir()
    segments = [path for path in (repository / "segments").rglob("*") if path.is_file()]
    for path in segments:
        path.rename(aside / path.name)
        os.mkfifo(path)
    try:
        yield
    finally:
        for path in segments:
            (aside / path.name).rename(path)

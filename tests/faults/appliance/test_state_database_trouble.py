"""The state database is locked, full or read-only while the engine works: it says so and loses nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from appliance.model.policies import Policy
from appliance.model.runs import Run, RunState
from appliance.state.database import BUSY_TIMEOUT_SECONDS, DATABASE_FILE
from keepline_lab import Disk, LibraryBehaviour, Machine
from keepline_lab.laboratories import StartLab
from tests.faults.appliance.aftermath import Ledger
from tests.faults.appliance.engine_service import (
    ask_for_backup,
    ended_run,
    engine_service,
    firings_of,
    miss_a_due_time,
    runs_of,
)
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.installation import MACHINE, Installation, contents_now, result_of
from tests.waiting import wait_until

KIB = 1024
MIB = 1 << 20
SLOW = LibraryBehaviour(bytes_per_second={"nbdssl": MIB // 2})
TROUBLE_SECONDS = BUSY_TIMEOUT_SECONDS + 5
"""Longer than a transaction waits for another one."""


@pytest.fixture
def small_volume(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which only root may mount."""
    folder = tmp_path / "volume"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def ledger_of(laboratory: StartLab, folder: Path, **settings: object) -> Ledger:
    """An appliance whose backups are slow enough to be met at work."""
    lab = laboratory(Machine(MACHINE, (Disk(size=12 * MIB),)), behaviour=SLOW)
    lab.control.write_random(MACHINE, 0, 0, 12 * MIB, seed=1)
    return Ledger(Installation.make(folder, lab, **settings))


@contextmanager
def locked(installation: Installation) -> Iterator[None]:
    """While the context is open, somebody else is in the middle of writing."""
    path = installation.settings.state_folder / DATABASE_FILE
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def full(installation: Installation) -> Iterator[None]:
    """While the context is open, nothing can be added to the file system of the state folder."""
    filler = installation.settings.state_folder.parent / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4 * KIB))
    yield
    filler.unlink()


def is_reading(ledger: Ledger) -> bool:
    return bool(ledger.installation.lab.control.state().open_handles)


def only_run_of(ledger: Ledger, made: Policy) -> Run:
    """The one run of the one due time of a policy, when it has ended."""
    wait_until(lambda: firings_of(ledger.installation, made), "the due time is settled")
    (firing,) = firings_of(ledger.installation, made)
    (run,) = firing.runs
    return ended_run(ledger.installation, run)


def test_engine_waits_for_a_database_that_somebody_else_holds(
    laboratory: StartLab, keepline: WarmProcess, tmp_path: Path
) -> None:
    """The run goes on as soon as it can write down what it has done; the next one is like any other."""
    ledger = ledger_of(laboratory, tmp_path / "appliance")
    moment = contents_now(ledger.installation.lab)
    with engine_service(keepline, ledger.installation) as engine:
        made = miss_a_due_time(ledger.installation, "nightly")
        engine.start()
        wait_until(lambda: is_reading(ledger), "the run reads")
        with locked(ledger.installation):
            engine.wait_until_it_said("held by somebody else: waiting")
            time.sleep(TROUBLE_SECONDS - BUSY_TIMEOUT_SECONDS)
        run = only_run_of(ledger, made)
        assert (run.state, run.attempt) == (RunState.SUCCEEDED, 1), run.failure
        ledger.moments[result_of(run).point] = moment
        again = ended_run(ledger.installation, ask_for_backup(ledger.installation))
        assert again.state is RunState.SUCCEEDED, again.failure
        ledger.moments[result_of(again).point] = moment
        engine.stop()
    ledger.check()


def test_engine_without_room_for_its_state_says_so_and_the_next_one_goes_on(
    laboratory: StartLab, keepline: WarmProcess, small_volume: Path, tmp_path: Path
) -> None:
    """What cannot be written down must not be done: the engine ends, and its run goes on with the next."""
    ledger = ledger_of(laboratory, tmp_path / "appliance", state_folder=small_volume / "state")
    moment = contents_now(ledger.installation.lab)
    with engine_service(keepline, ledger.installation) as engine:
        made = miss_a_due_time(ledger.installation, "nightly")
        engine.start()
        wait_until(lambda: is_reading(ledger), "the run reads")
        with full(ledger.installation):
            engine.wait_until_it_said("(KL-6013)")
            ended = engine.ended()
        assert ended.status != 0
        assert "Traceback" not in ended.errors, ended.errors

        engine.start()
        run = only_run_of(ledger, made)
        assert run.state is RunState.SUCCEEDED, run.failure
        ledger.moments[result_of(run).point] = moment
        engine.stop()
    assert len(runs_of(ledger.installation)) == 1
    ledger.check()


def test_engine_with_a_read_only_state_does_not_begin_and_loses_no_due_time(
    laboratory: StartLab, keepline: WarmProcess, small_volume: Path, tmp_path: Path
) -> None:
    ledger = ledger_of(laboratory, tmp_path / "appliance", state_folder=small_volume / "state")
    moment = contents_now(ledger.installation.lab)
    made = miss_a_due_time(ledger.installation, "nightly")
    with engine_service(keepline, ledger.installation) as engine:
        remount(small_volume, "ro")
        engine.start()
        ended = engine.ended()
        remount(small_volume, "rw")
        assert ended.status == 8, ended.output + ended.errors
        assert "(KL-60" in ended.errors
        assert "Traceback" not in ended.errors, ended.errors
        assert runs_of(ledger.installation) == []

        engine.start()
        run = only_run_of(ledger, made)
        assert run.state is RunState.SUCCEEDED, run.failure
        ledger.moments[result_of(run).point] = moment
        engine.stop()
    ledger.check()


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)

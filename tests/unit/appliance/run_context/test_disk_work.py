from __future__ import annotations

import threading
from pathlib import Path
from typing import ClassVar

import pytest

from appliance.errors import DiskTransportError
from appliance.model.disk_tasks import TaskDocument, TaskResult, VerifyImageTask
from appliance.model.recovery_points import DiskStatistics
from appliance.run_context import EitherSignal, for_each_disk, run_task
from tests.fakes.movers import ScriptedMovers
from tests.fakes.run_sessions import HeardProgress, run_session

DONE = TaskResult(DiskStatistics(read=4096))
TASK = TaskDocument(
    verify_image=VerifyImageTask(
        folder="f",
        repository="r",
        capacity=512,
        block_size=262144,
        disk_label="Hard disk 1",
        workers=1,
        lock_file="l",
    )
)


class PassingError(DiskTransportError):
    transient: ClassVar[bool] = True


class LastingError(DiskTransportError):
    pass


def never() -> EitherSignal:
    return EitherSignal(threading.Event(), threading.Event())


def test_a_transient_failure_is_tried_again_with_new_inputs(tmp_path: Path) -> None:
    movers = ScriptedMovers([PassingError("died"), DONE])
    tries: list[int] = []

    def make(number: int) -> TaskDocument:
        tries.append(number)
        return TASK

    with run_session(tmp_path, movers) as session:
        result = run_task(session, make, never())

        assert result == DONE
        assert tries == [0, 1]
        assert isinstance(session.progress, HeardProgress)
        assert "died" in session.progress.warnings[0]


def test_tries_are_bounded(tmp_path: Path) -> None:
    movers = ScriptedMovers([PassingError("one"), PassingError("two"), PassingError("three"), DONE])
    with run_session(tmp_path, movers) as session, pytest.raises(PassingError, match="three"):
        run_task(session, lambda _: TASK, never())


def test_a_lasting_failure_is_not_tried_again(tmp_path: Path) -> None:
    movers = ScriptedMovers([LastingError("no access"), DONE])
    with run_session(tmp_path, movers) as session, pytest.raises(LastingError):
        run_task(session, lambda _: TASK, never())

    assert movers.answers == [DONE]


def test_nothing_is_tried_again_once_the_end_was_asked_for(tmp_path: Path) -> None:
    movers = ScriptedMovers([PassingError("died"), DONE])
    with run_session(tmp_path, movers) as session:
        session.cancelled.set()
        signal = EitherSignal(session.cancelled, threading.Event())
        with pytest.raises(PassingError):
            run_task(session, lambda _: TASK, signal)


def test_results_come_in_the_order_of_the_disks(tmp_path: Path) -> None:
    with run_session(tmp_path, ScriptedMovers()) as session:
        assert for_each_disk(session, [3, 1, 2], lambda disk, _: disk * 10) == [30, 10, 20]
        assert for_each_disk(session, [], lambda disk, _: disk) == []


def test_the_first_failure_stops_the_others_and_is_raised(tmp_path: Path) -> None:
    others_stopped = threading.Event()

    def work(disk: str, signal: EitherSignal) -> str:
        if disk == "bad":
            raise LastingError("bad disk")
        while not signal.is_set():
            threading.Event().wait(0.01)
        others_stopped.set()
        raise LastingError("stopped")

    with run_session(tmp_path, ScriptedMovers()) as session:
        with pytest.raises(LastingError, match="bad disk"):
            for_each_disk(session, ["good", "bad"], work)

        assert others_stopped.is_set()
        assert not session.cancelled.is_set()

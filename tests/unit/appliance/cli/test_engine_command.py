from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from appliance.engine import EngineLock
from appliance.model.runs import RunKind, RunState
from appliance.services import NewPolicy
from appliance.state import RunFilter
from tests.fakes.appliance import Terminal
from tests.fakes.vcenters import machine

PATIENCE_SECONDS = 30.0


@contextmanager
def stopped_once(happened: Callable[[], bool]) -> Iterator[None]:
    """Send SIGTERM to this process as soon as it listens and `happened`, or after a long time."""
    over, deaf = threading.Event(), signal.getsignal(signal.SIGTERM)

    def watch() -> None:
        for _ in range(int(PATIENCE_SECONDS / 0.05)):
            if over.wait(0.05):
                return
            if signal.getsignal(signal.SIGTERM) is not deaf and happened():
                break
        os.kill(os.getpid(), signal.SIGTERM)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def test_the_engine_carries_out_what_is_due_and_ends_when_it_is_told_to(terminal: Terminal) -> None:
    desk = terminal.desk
    desk.gateway.inventory = [machine("web-1", 1)]
    desk.policies.add(NewPolicy("nightly", "main", "30 2 * * *", names=("*",)))
    desk.clock.sleep(3 * 3600)
    ended = RunFilter(states=frozenset({RunState.SUCCEEDED}))

    with stopped_once(lambda: bool(desk.runs.page(ended))):
        answer = terminal.call("engine")

    assert answer.status == 0
    assert answer.output == "engine stopped\n"
    assert [run.kind for run in desk.runs.page(ended)] == [RunKind.BACKUP]
    with EngineLock(terminal.folder).held():
        pass  # the right to be the engine was given back


def test_a_second_engine_says_whom_it_waits_for_and_can_be_stopped(terminal: Terminal) -> None:
    with EngineLock(terminal.folder).held(), stopped_once(lambda: True):
        answer = terminal.call("engine", "--json")
    assert answer.status == 0
    assert answer.document == {"engine": "stopped"}
    assert answer.errors.count("waiting: the engine of") == 1

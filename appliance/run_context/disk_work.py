"""The disk tasks of one run: side by side, tried again where that can help, first failure stops all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

from appliance.errors import ApplianceError
from appliance.model.disk_tasks import TaskDocument, TaskMessage, TaskResult
from appliance.run_context.session import RunSession

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class EitherSignal:
    """Set when one of two signals is."""

    first: threading.Event
    second: threading.Event

    def is_set(self) -> bool:
        """Whether an end was asked for."""
        return self.first.is_set() or self.second.is_set()


def for_each_disk(
    session: RunSession, items: Sequence[Item], work: Callable[[Item, EitherSignal], Result]
) -> list[Result]:
    """What `work` returns for every item, in their order; each in a thread of its own.

    When one fails, the others are asked to stop and waited for, and the first failure is raised: no
    thread of a run outlives it.
    """
    failed = threading.Event()
    signal = EitherSignal(session.cancelled, failed)
    with ThreadPoolExecutor(max(1, len(items)), thread_name_prefix="disk") as pool:
        futures = [pool.submit(work, item, signal) for item in items]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        failures = [future for future in done if future.exception() is not None]
        if failures:
            failed.set()
            wait(futures)
            failures[0].result()
    return [future.result() for future in futures]


def run_task(
    session: RunSession, make_task: Callable[[int], TaskDocument], signal: EitherSignal
) -> TaskResult:
    """Run one task, anew after a transient failure: what is durable of an attempt is used by the next.

    `make_task` gets the number of the try, from 0, and makes the inputs for it.
    """
    settings = session.tools.settings
    for number in range(settings.task_attempts):
        task = make_task(number)
        try:
            return session.tools.movers.run(task, lambda message: _pass_on(session, message), signal)
        except ApplianceError as error:
            last = number == settings.task_attempts - 1
            if last or not error.transient or signal.is_set():
                raise
            session.progress.message(f"{task.label}: {error} ({error.code}); trying again", warning=True)
            session.tools.clock.sleep(settings.retry_seconds * 2**number)
    raise AssertionError("the last try returns or raises")


def _pass_on(session: RunSession, message: TaskMessage) -> None:
    if message.progress is not None:
        session.progress.disk(message.progress)
    if message.log is not None:
        session.progress.message(message.log)

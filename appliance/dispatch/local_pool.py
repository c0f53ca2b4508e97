"""Disk tasks on this machine: a bounded pool of mover processes."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from appliance.clock import Clock
from appliance.dispatch.errors import MoverDiedError, MoverStalledError, TaskCancelledError
from appliance.dispatch.failures import error_of
from appliance.dispatch.mover_process import MoverProcess
from appliance.model.disk_tasks import (
    RELEASE_ORDER,
    CleanupTask,
    HoldAccessTask,
    TaskDocument,
    TaskMessage,
    TaskReady,
    TaskResult,
    VddkAccess,
)
from appliance.model.documents import to_json
from appliance.run_context.ports import StopSignal

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class MoverLimits:
    """How long a mover may take to say something, and to end after it was asked to."""

    stall_seconds: float = 120.0
    """A mover speaks every half second while its interpreter runs; a hanging VDDK call it notices itself."""
    prepare_seconds: float = 900.0
    """PrepareForAccess waits for a running storage migration: ten tries of a minute."""
    grace_seconds: float = 5.0


class NeverCancelled:
    """The signal of tasks nobody cancels."""

    def is_set(self) -> bool:
        """Never."""
        return False


class LocalMoverPool:
    """Implements `DiskTaskRunner` with at most `max_processes` children that move data at a time.

    Access holders and clean-ups are not counted: they hold no buffers, and a run that waits for a place
    must not keep another one from releasing its machine. Every method may be called from any thread.
    """

    def __init__(
        self, max_processes: int, python: str, clock: Clock, limits: MoverLimits | None = None
    ) -> None:
        self._places = threading.BoundedSemaphore(max_processes)
        self._python = python
        self._clock = clock
        self._limits = limits or MoverLimits()

    def run(
        self, task: TaskDocument, on_message: Callable[[TaskMessage], None], cancelled: StopSignal
    ) -> TaskResult:
        """See `DiskTaskRunner.run`."""
        with self._place(task, cancelled), self._mover(task) as mover:
            result = self._follow(mover, task, on_message, cancelled)
            mover.wait_for_end()
            return result

    @contextmanager
    def hold_access(self, task: HoldAccessTask, cancelled: StopSignal) -> Iterator[TaskReady]:
        """See `DiskTaskRunner.hold_access`."""
        document = TaskDocument(hold_access=task)
        with self._mover(document) as mover:
            yield self._wait_until_ready(mover, document, cancelled)
            mover.tell(RELEASE_ORDER)
            self._wait_for_result(mover, document)
            mover.wait_for_end()

    def cleanup(self, task: CleanupTask) -> None:
        """See `DiskTaskRunner.cleanup`."""
        document = TaskDocument(cleanup=task)
        with self._mover(document) as mover:
            self._wait_for_result(mover, document)
            mover.wait_for_end()

    @contextmanager
    def _place(self, task: TaskDocument, cancelled: StopSignal) -> Iterator[None]:
        while not self._places.acquire(timeout=POLL_SECONDS):
            if cancelled.is_set():
                raise TaskCancelledError(f"{task.label} was cancelled while it waited for a mover")
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def _mover(self, task: TaskDocument) -> Iterator[MoverProcess]:
        access = task.access
        library_folder = None if access is None else access.library_folder
        with MoverProcess(self._python, library_folder, self._limits.grace_seconds) as mover:
            mover.tell(to_json(task))
            try:
                yield mover
            finally:
                mover.end()
                _log_last_words(mover, task.label, access)

    def _follow(
        self,
        mover: MoverProcess,
        task: TaskDocument,
        on_message: Callable[[TaskMessage], None],
        cancelled: StopSignal,
    ) -> TaskResult:
        for message in self._messages(mover, task.label, self._limits.stall_seconds, cancelled):
            if message.result is not None:
                return message.result
            on_message(message)
        raise _died(mover, task.label)

    def _wait_for_result(self, mover: MoverProcess, task: TaskDocument) -> None:
        """EndAccess and Cleanup say nothing while they work, and may take as long as PrepareForAccess."""
        for message in self._messages(mover, task.label, self._limits.prepare_seconds, NeverCancelled()):
            if message.result is not None:
                return
        raise _died(mover, task.label)

    def _wait_until_ready(self, mover: MoverProcess, task: TaskDocument, cancelled: StopSignal) -> TaskReady:
        for message in self._messages(mover, task.label, self._limits.prepare_seconds, cancelled):
            if message.ready is not None:
                return message.ready
        raise _died(mover, task.label)

    def _messages(
        self, mover: MoverProcess, label: str, stall_seconds: float, cancelled: StopSignal
    ) -> Iterator[TaskMessage]:
        """Yield what the mover says until its output ends; raise what it failed with."""
        last_heard = self._clock.elapsed_seconds()
        while not mover.output_ended:
            if cancelled.is_set():
                raise TaskCancelledError(f"{label} was cancelled")
            message = mover.next_message(POLL_SECONDS)
            now = self._clock.elapsed_seconds()
            if message is None:
                if now - last_heard > stall_seconds:
                    raise MoverStalledError(
                        f"the mover of {label} said nothing for {stall_seconds:.0f} seconds"
                    )
                continue
            last_heard = now
            if message.failure is not None:
                raise error_of(message.failure)
            yield message


def _died(mover: MoverProcess, label: str) -> MoverDiedError:
    status = mover.wait_for_end()
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return MoverDiedError(f"the mover of {label} (process {mover.process_id}) {how} before its task was done")


def _log_last_words(mover: MoverProcess, label: str, access: VddkAccess | None) -> None:
    words = mover.last_words()
    if access is not None and access.password:
        words = words.replace(access.password, "…")
    if words:
        logger.info("mover had words", extra={"task": label, "process_id": mover.process_id, "words": words})

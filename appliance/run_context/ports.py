"""What capture and restore need from whoever runs disk tasks; `appliance.dispatch` implements it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from appliance.model.disk_tasks import (
    CleanupTask,
    HoldAccessTask,
    TaskDocument,
    TaskMessage,
    TaskReady,
    TaskResult,
)


class StopSignal(Protocol):
    """Says whether somebody asked for an end; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether the end was asked for. Called several times a second, from any thread."""
        ...


class DiskTaskRunner(Protocol):
    """Runs tasks that read or write disks, each in a process of its own."""

    def run(
        self, task: TaskDocument, on_message: Callable[[TaskMessage], None], cancelled: StopSignal
    ) -> TaskResult:
        """Wait for a free place, run `task` to its end and return what it left.

        `on_message` gets every progress and log line, in the calling thread. When this returns or
        raises, no process of the task is left.

        Raises:
            TaskCancelledError: `cancelled` was set; the process was ended.
            MoverDiedError: the process ended without a result; transient.
            MoverStalledError: the process said nothing for too long and was killed; transient.
            ApplianceError: what the task itself failed with, as the class that has its code.
        """
        ...

    def hold_access(self, task: HoldAccessTask, cancelled: StopSignal) -> AbstractContextManager[TaskReady]:
        """Hold vCenter's access to a machine while the context is open.

        `cancelled` ends the wait for it, which may last minutes while the machine's storage is moved; it
        is not looked at any more once access is held.

        Enter and leave it in one thread, which must live as long as the context: the operating system
        ends the holder with the thread that started it.

        Raises:
            ApplianceError: as `run`; a refusal by vCenter is no error but `TaskReady.warning`.
        """
        ...

    def cleanup(self, task: CleanupTask) -> None:
        """Release what a dead mover left attached or locked.

        Raises:
            ApplianceError: as `run`.
        """
        ...

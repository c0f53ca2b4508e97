"""What every task of a mover works with: its way to the engine, its clock, its memory's high-water mark."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from appliance.clock import Clock
from appliance.data_path.tally import TaskTally
from appliance.errors import ApplianceError
from appliance.model.disk_tasks import TaskFailure, TaskMessage
from appliance.mover.channel import Channel
from appliance.mover.memory import PeakMemory

PROGRESS_SECONDS: Final = 0.5


class Session:
    """One task's surroundings; any thread may use it."""

    def __init__(self, channel: Channel, clock: Clock) -> None:
        self.channel: Final = channel
        self.clock: Final = clock
        self.memory: Final = PeakMemory()

    @contextmanager
    def reporting(self, tally: TaskTally) -> Iterator[None]:
        """Send a progress line twice a second while the context is open, and once more at its end.

        It is sent whether or not anything has moved: it also says that this process is alive.
        """
        stopped = threading.Event()

        def report() -> None:
            while not stopped.wait(PROGRESS_SECONDS):
                self.memory.sample()
                self.channel.send(TaskMessage(progress=tally.progress()))

        reporter = threading.Thread(target=report, name="progress", daemon=True)
        reporter.start()
        try:
            yield
        finally:
            stopped.set()
            reporter.join()
            self.channel.send(TaskMessage(progress=tally.progress()))

    def log(self, text: str) -> None:
        """Tell the engine something for the run's log."""
        self.channel.send(TaskMessage(log=text))

    def fail_and_end(self, error: ApplianceError) -> None:
        """Tell the engine and end this process at once: for when a thread can no longer be stopped."""
        self.channel.send(TaskMessage(failure=failure_of(error)))
        os._exit(error.exit_status)


class ChannelHandler(logging.Handler):
    """Log records as messages to the engine, which keeps them with the run."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(logging.INFO)
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        self._channel.send(TaskMessage(log=record.getMessage()))


def failure_of(error: ApplianceError) -> TaskFailure:
    """What the engine is told of an error."""
    return TaskFailure(error.code, str(error), error.remedy, error.transient, error.exit_status)

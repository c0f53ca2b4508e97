"""One run in one thread, from its handler's first step to its last state."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from appliance.clock import Clock
from appliance.engine.errors import NoHandlerError
from appliance.engine.ports import RunHandler
from appliance.engine.run_recorder import RunRecorder
from appliance.errors import ApplianceError, RunCancelledError
from appliance.model.runs import Run, RunFailure, RunKind, RunState
from appliance.state import RunStore

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def error_of_attempt(action: Callable[[], Result]) -> Result | ApplianceError:
    """What `action` returns, or the error it ended with.

    The one place of the engine that catches everything: a defect in one run must end that run, with its
    traceback in the log, and no other.
    """
    try:
        return action()
    except ApplianceError as error:
        return error
    except Exception as error:  # the worker loop: see above
        logger.exception("run ended by a defect")
        return ApplianceError(f"{type(error).__name__}: {error}")


def failure_of(error: ApplianceError) -> RunFailure:
    """The error as the run table keeps it."""
    return RunFailure(error.code, str(error), error.remedy, error.exit_status, error.transient)


class RunWorker:
    """Carries out one attempt of one run and writes down how it ended.

    `let_go` takes away what earlier attempts of a run have kept for it, once no later one will come.
    """

    def __init__(
        self, run: Run, recorder: RunRecorder, runs: RunStore, clock: Clock, let_go: Callable[[Run], None]
    ) -> None:
        self.run = run
        self.recorder = recorder
        self.cancelled = threading.Event()
        self._runs = runs
        self._clock = clock
        self._let_go = let_go
        self._cancel_requested = run.cancel_requested
        if run.cancel_requested:
            self.cancelled.set()

    def execute(self, handlers: Mapping[RunKind, RunHandler]) -> Run:
        """Work until the run has ended or was interrupted; the run as it stands then."""
        logger.info("run started", extra={"run": self.run.id, "attempt": self.run.attempt})
        result = error_of_attempt(
            lambda: self._handler(handlers).execute(self.run, self.recorder, self.cancelled)
        )
        self._cancel_requested |= self.recorder.save()
        if isinstance(result, ApplianceError):
            ended = self._end_with(result)
        else:
            ended = self._runs.finish(self.run, result, self._clock.now())
        logger.info("run ended", extra={"run": ended.id, "state": ended.state})
        return ended

    def save_progress(self) -> None:
        """Write the progress down when due, and pass on a request to cancel."""
        if self.recorder.save_when_due():
            self._cancel_requested = True
            self.cancelled.set()

    def _handler(self, handlers: Mapping[RunKind, RunHandler]) -> RunHandler:
        handler = handlers.get(self.run.kind)
        if handler is None:
            raise NoHandlerError(f"nothing here carries out a run of kind {self.run.kind}")
        return handler

    def _end_with(self, error: ApplianceError) -> Run:
        if not isinstance(error, RunCancelledError):
            return self._end_as(RunState.FAILED, error)
        if not self._cancel_requested:
            return self._runs.interrupt(self.run)  # the engine stops: the next one resumes the run
        self._let_go(self.run)
        text = f"run {self.run.id} for {self.run.subject_name} was cancelled"
        return self._end_as(RunState.CANCELLED, RunCancelledError(text))

    def _end_as(self, state: RunState, error: ApplianceError) -> Run:
        self.recorder.message(f"{error} ({error.code})", warning=True)
        return self._runs.end_with(self.run, state, failure_of(error), self._clock.now())

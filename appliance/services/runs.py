"""Looking at runs and cancelling them."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from appliance.clock import Clock
from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunLogLine, RunState
from appliance.state import RunFilter, RunLogStore, RunStore, RunTransitionError


class RunService:
    """The queue and the history, for people."""

    def __init__(self, runs: RunStore, log: RunLogStore, clock: Clock) -> None:
        self._runs = runs
        self._log = log
        self._clock = clock

    def page(self, wanted: RunFilter) -> list[Run]:
        """One page of the history, newest first."""
        return self._runs.list(wanted)

    def find(self, run_id: RunId) -> Run:
        """One run.

        Raises:
            RunNotFoundError: there is none.
        """
        return self._runs.find(run_id)

    def log_of(self, run_id: RunId, skip: int = 0) -> list[RunLogLine]:
        """What the operator should know about a run, without the first `skip` lines."""
        return self._log.lines(run_id, skip)

    def cancel(self, run_id: RunId) -> Run:
        """Ask for the end of a run; the run as it stands now.

        Raises:
            RunNotFoundError: there is none.
            RunTransitionError: it has ended.
        """
        return self._runs.request_cancel(run_id, self._clock.now())

    def cancel_queued(self, run_ids: Collection[RunId]) -> None:
        """End those of these runs that nobody has begun."""
        for run_id in run_ids:
            if self._runs.find(run_id).state is RunState.QUEUED:
                self.cancel_active([run_id])

    def cancel_active(self, run_ids: Collection[RunId]) -> None:
        """Ask for the end of those of these runs that have not ended."""
        for run_id in run_ids:
            with suppress(RunTransitionError):  # it ended while we asked
                self._runs.request_cancel(run_id, self._clock.now())

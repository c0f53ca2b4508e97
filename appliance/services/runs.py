"""Looking at runs and cancelling them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from appliance.clock import Clock
from appliance.model.identifiers import RunId
from appliance.model.run_limits import UNLIMITED_PLACES, RunLimits
from appliance.model.runs import Run, RunLogLine, RunState
from appliance.services.run_waits import wait_of
from appliance.state import RunFilter, RunLogStore, RunStore, RunTransitionError

_AT_WORK = RunFilter(states=frozenset({RunState.RUNNING}), limit=1000)


class RunService:
    """The queue and the history, for people."""

    def __init__(
        self, runs: RunStore, log: RunLogStore, clock: Clock, limits: RunLimits = UNLIMITED_PLACES
    ) -> None:
        self._runs = runs
        self._log = log
        self._clock = clock
        self._limits = limits

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

    def waits_of(self, runs: Sequence[Run]) -> dict[RunId, str]:
        """Of those of these runs that something keeps from beginning: what it is, in a few words."""
        if all(run.state is not RunState.QUEUED for run in runs):
            return {}
        running = self._runs.list(_AT_WORK)
        now = self._clock.now()
        waits = {run.id: wait_of(run, running, self._limits, now) for run in runs}
        return {run_id: wait for run_id, wait in waits.items() if wait is not None}

    def cancel(self, run_id: RunId) -> Run:
        """Ask for the end of a run; the run as it stands now. Asking twice does no harm.

        Raises:
            RunNotFoundError: there is none.
            RunTransitionError: it has ended otherwise.
        """
        try:
            return self._runs.request_cancel(run_id, self._clock.now())
        except RunTransitionError:
            run = self._runs.find(run_id)
            if run.state is not RunState.CANCELLED:
                raise
            return run

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

"""What an engine does before its first run: end or take up what a dead engine has left."""

from __future__ import annotations

import logging

from appliance.clock import Clock
from appliance.engine.errors import TooManyAttemptsError
from appliance.engine.ports import CrashRecovery
from appliance.engine.run_recorder import RunRecorder
from appliance.engine.worker import error_of_attempt, failure_of
from appliance.errors import ApplianceError, RunCancelledError
from appliance.model.identifiers import RunId
from appliance.model.runs import ACTIVE_STATES, Run, RunState
from appliance.state import JournalStore, RunFilter, RunLogStore, RunStore

logger = logging.getLogger(__name__)

LARGEST_ATTEMPT = 3
_ALL = 1_000_000


class CrashStart:
    """Recovery of interrupted runs, then of what ended runs have left. The caller holds the engine's lock."""

    def __init__(
        self, runs: RunStore, log: RunLogStore, journal: JournalStore, recovery: CrashRecovery, clock: Clock
    ) -> None:
        self._runs = runs
        self._log = log
        self._journal = journal
        self._recovery = recovery
        self._clock = clock
        self._tried_in_vain: set[RunId] = set()

    def recover(self) -> list[Run]:
        """Clean up after every dead attempt; the interrupted runs that can be taken up, oldest first."""
        for run in self._list(RunState.RUNNING):
            self._runs.interrupt(run)  # whoever ran it held the lock this process holds now
        resumable = [run for run in self._list(RunState.INTERRUPTED) if self._is_resumable(run)]
        self._clean_up_after_ended_runs()
        self._forget_ended_runs()
        return resumable

    def let_go(self, run: Run) -> None:
        """Take away what a cancelled run still has in vCenter, such as an earlier attempt's snapshot.

        What cannot be taken away stays in the journal for the next start, and the run's log says so.
        """
        if self._journal.open_entries_of(run.id):
            self._error_of_recovery(self._runs.find(run.id))

    def _list(self, state: RunState) -> list[Run]:
        return list(reversed(self._runs.list(RunFilter(states=frozenset({state}), limit=_ALL))))

    def _is_resumable(self, run: Run) -> bool:
        """Whether the run can begin its next attempt; ends it where it cannot."""
        error = self._error_of_recovery(run)
        if error is None and run.cancel_requested:
            error = RunCancelledError(f"run {run.id} was cancelled while no engine was running")
        if error is None and run.attempt >= LARGEST_ATTEMPT:
            error = TooManyAttemptsError(
                f"run {run.id} was interrupted in each of its {run.attempt} attempts"
            )
        if error is None:
            return True
        state = RunState.CANCELLED if isinstance(error, RunCancelledError) else RunState.FAILED
        self._runs.end_with(run, state, failure_of(error), self._clock.now())
        return False

    def _clean_up_after_ended_runs(self) -> None:
        entries = self._journal.open_entries()
        for run_id in dict.fromkeys(entry.run for entry in entries):
            run = self._runs.find(run_id)
            if run.has_ended and run_id not in self._tried_in_vain:
                self._error_of_recovery(run)

    def _forget_ended_runs(self) -> None:
        active = self._runs.list(RunFilter(states=ACTIVE_STATES, limit=_ALL))
        needed = {run.id for run in active} | {entry.run for entry in self._journal.open_entries()}
        error = error_of_attempt(lambda: self._recovery.forget_ended(needed))
        if isinstance(error, ApplianceError):
            logger.warning("leftovers of ended runs stay", extra={"code": error.code})

    def _error_of_recovery(self, run: Run) -> ApplianceError | None:
        recorder = RunRecorder(run, self._runs, self._log, self._clock)
        error = error_of_attempt(lambda: self._recovery.recover(run, recorder))
        if isinstance(error, ApplianceError):
            self._tried_in_vain.add(run.id)
            logger.warning("recovery incomplete", extra={"run": run.id, "code": error.code})
            recorder.message(f"cleaning up failed: {error} ({error.code})", warning=True)
        return error

"""Repeating runs that failed: without a further hand after a pause, or by hand at once."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.clock import Clock
from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunLogLine, RunState
from appliance.scheduling import RetryRule, oldest_failure, retry_moment
from appliance.services.errors import RunNotRepeatableError
from appliance.services.run_queue import RunQueue
from appliance.state import RequestedRun, RetryStore, RunLogStore, RunStore

_REPEATABLE = frozenset({RunState.FAILED, RunState.CANCELLED})


class RetryService:
    """Queues runs that do once more what others have failed to do; each says which run it repeats."""

    def __init__(
        self,
        runs: RunStore,
        retries: RetryStore,
        log: RunLogStore,
        queue: RunQueue,
        clock: Clock,
        rule: RetryRule,
    ) -> None:
        self._runs = runs
        self._retries = retries
        self._log = log
        self._queue = queue
        self._clock = clock
        self._rule = rule

    def queue_due(self) -> list[Run]:
        """Queue a repetition of each backup that may succeed if it is tried again; the new runs.

        Each is repeated once: whoever asks again, in another process or after a crash, finds it repeated.
        """
        return list(self._queued())

    def by_hand(self, run_id: RunId) -> RequestedRun:
        """Queue once more what a run was asked to do, whatever it has failed with.

        A run that was repeated stands for its newest repetition: where that is active, it is joined, and
        waits for no pause any more.

        Raises:
            RunNotFoundError: there is no such run.
            RunNotRepeatableError: it, or its newest repetition, has done what it was asked to do.
        """
        run = self._newest_repetition(run_id)
        if not run.has_ended:
            return RequestedRun(self._retries.hurry(run.id), joined=True)
        if run.state not in _REPEATABLE:
            raise RunNotRepeatableError(f"run {run.id} is {run.state}: there is nothing to do again")
        requested = self._runs.request(self._queue.repetition_of(run))
        if not requested.joined:
            self._explain(requested.run, run, "")
        return requested

    def repetition_of(self, run_id: RunId) -> Run | None:
        """The run that repeats this one, if there is one."""
        return self._retries.repetition_of(run_id)

    def _queued(self) -> Iterator[Run]:
        now = self._clock.now()
        for failed in self._retries.failed_backups(oldest_failure(now)):
            moment = retry_moment(failed, self._rule, now)
            if moment is None:
                continue
            planned = self._queue.repetition_of(failed, failed.retry_number + 1, moment)
            repetition = self._retries.repeat(planned)
            if repetition is not None:
                self._explain(repetition, failed, f", not before {moment:%H:%M} UTC")
                yield repetition

    def _newest_repetition(self, run_id: RunId) -> Run:
        run = self._runs.find(run_id)
        while (repetition := self._retries.repetition_of(run.id)) is not None:
            run = repetition
        return run

    def _explain(self, repetition: Run, failed: Run, pause: str) -> None:
        """Say in both logs which run repeats which."""
        now, code = self._clock.now(), failed.failure.code if failed.failure else failed.state
        texts = {
            repetition.id: f"repeats run {failed.id}, which ended with {code}",
            failed.id: f"run {repetition.id} tries again{pause}",
        }
        for run_id, text in texts.items():
            self._log.append(run_id, RunLogLine(now, text, warning=False))

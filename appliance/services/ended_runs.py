"""What an engine does for runs that have ended: it repeats those that failed, and forgets what is old."""

from __future__ import annotations

import logging
from datetime import timedelta

from appliance.clock import Clock
from appliance.services.retries import RetryService
from appliance.state import HistoryStore

log = logging.getLogger(__name__)

FIRINGS_KEPT = timedelta(days=31)
"""A due time is remembered at least so long: the clock may be put back as far without any backup twice."""
NEWEST_FIRINGS_KEPT = 100
"""Of each policy, however old: a quarter of nights to look back at, and the newest one of a policy that is
due once in four years."""
PROGRESS_KEPT = timedelta(days=90)
"""How far each disk of a run had come is of no use later than that; its end, result and log stay."""

FORGET_SECONDS = 600.0
FORGET_AT_ONCE = 100
"""A due time may have ten thousand runs: nobody should wait long for the database meanwhile."""


class EndedRunKeeper:
    """Looks after runs that have ended, each time the engine is woken; one thread at a time."""

    def __init__(self, retries: RetryService, history: HistoryStore, clock: Clock) -> None:
        self._retries = retries
        self._history = history
        self._clock = clock
        self._forgot_at: float | None = None

    def wake(self) -> None:
        """Do what is to be done now.

        Raises:
            DatabaseUnusableError: the next waking tries again.
        """
        for run in self._retries.queue_due():
            log.info("failed run is repeated", extra={"run": run.id, "failed_run": run.retry_of})
        self._forget()

    def _forget(self) -> None:
        """A part of what is old, now and then; more at each waking while there is more."""
        now, elapsed = self._clock.now(), self._clock.elapsed_seconds()
        if self._forgot_at is not None and elapsed - self._forgot_at < FORGET_SECONDS:
            return
        firings = self._history.forget_firings(now - FIRINGS_KEPT, NEWEST_FIRINGS_KEPT, FORGET_AT_ONCE)
        runs = self._history.forget_progress(now - PROGRESS_KEPT, FORGET_AT_ONCE)
        if firings < FORGET_AT_ONCE and runs < FORGET_AT_ONCE:
            self._forgot_at = elapsed

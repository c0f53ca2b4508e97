"""Waking the planner: the only place that knows APScheduler.

APScheduler decides nothing here. It keeps one job in memory, on one thread: "look again at this moment".
What is due, and whether it has been done, is the planner's and the database's business, so a wake-up too
many does no harm, and one that is lost is made up for by the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from appliance.clock import Clock

LONGEST_SLEEP_SECONDS = 30.0
_JOB = "wake the planner"


class Waker:
    """Calls `wake` once at the start, then at the moment it returned, or after `longest_sleep_seconds`.

    `wake` runs in one thread, never twice at a time, and returns when it wants to be called next, or None.
    What it raises is logged by APScheduler, and it is called again after `longest_sleep_seconds`.
    """

    def __init__(
        self,
        wake: Callable[[], datetime | None],
        clock: Clock,
        longest_sleep_seconds: float = LONGEST_SLEEP_SECONDS,
    ) -> None:
        self._wake = wake
        self._clock = clock
        self._longest_sleep_seconds = longest_sleep_seconds
        self._lock = threading.Lock()
        self._woken_at = clock.elapsed_seconds()
        self._is_awake = False
        self._is_leaving = False
        # Explicit time zone: else tzlocal looks for the machine's, which no decision here depends on.
        self._scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone=UTC)

    def __enter__(self) -> Self:
        self._look_at(self._clock.now())
        self._scheduler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until a call of `wake` that has begun is over; none comes after it."""
        with self._lock:
            # APScheduler waits for its threads with its lock held: a job that asked it for another job
            # would wait for that lock for ever.
            self._is_leaving = True
            self._scheduler.remove_all_jobs()
        self._scheduler.shutdown(wait=True)

    def check(self) -> None:
        """Wake now if the last time is too long ago by a clock that nobody can set.

        To be called every few seconds. APScheduler sleeps until a time of day: when the clock is put back,
        it would sleep on until the clock gets there again.
        """
        with self._lock:
            overdue = self._clock.elapsed_seconds() - self._woken_at > 2 * self._longest_sleep_seconds
            if self._is_awake or not overdue:
                return
            self._woken_at = self._clock.elapsed_seconds()
        self._look_at(self._clock.now())

    def _work(self) -> None:
        with self._lock:
            self._is_awake = True
        wanted: datetime | None = None
        try:
            wanted = self._wake()
        finally:
            with self._lock:
                self._is_awake = False
                self._woken_at = self._clock.elapsed_seconds()
            self._look_at(self._next_moment(wanted))

    def _next_moment(self, wanted: datetime | None) -> datetime:
        latest = self._clock.now() + timedelta(seconds=self._longest_sleep_seconds)
        return latest if wanted is None else min(wanted, latest)

    def _look_at(self, moment: datetime) -> None:
        with self._lock:
            if not self._is_leaving:
                self._scheduler.add_job(
                    self._work,
                    DateTrigger(run_date=moment),
                    id=_JOB,
                    replace_existing=True,
                    coalesce=True,
                    misfire_grace_time=None,  # too late is never too late: the planner looks at the clock
                    max_instances=2,  # the one that is just ending, and the one it has asked for
                )

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from appliance.clock import ManualClock, SystemClock
from appliance.scheduling import Waker

PATIENCE_SECONDS = 30.0
NEVER_SECONDS = 3600.0


class Sleeper:
    """Counts how often it was woken, and says when it wants to be woken next."""

    def __init__(self, wanted: timedelta | None = None, error: Exception | None = None) -> None:
        self.wanted = wanted
        self.error = error
        self.count = 0
        self.threads: set[str] = set()
        self._changed = threading.Condition()

    def wake(self) -> datetime | None:
        with self._changed:
            self.count += 1
            self.threads.add(threading.current_thread().name)
            self._changed.notify_all()
        if self.error is not None:
            raise self.error
        return None if self.wanted is None else SystemClock().now() + self.wanted

    def was_woken(self, times: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= times, PATIENCE_SECONDS)


@contextmanager
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_it_wakes_at_once_and_then_when_asked_to_in_one_thread() -> None:
    sleeper = Sleeper(wanted=timedelta(milliseconds=10))
    with no_thread_is_left(), Waker(sleeper.wake, SystemClock(), NEVER_SECONDS):
        assert sleeper.was_woken(5)
    assert len(sleeper.threads) == 1


def test_a_moment_that_has_passed_already_is_at_once() -> None:
    sleeper = Sleeper(wanted=timedelta(seconds=-5))
    with Waker(sleeper.wake, SystemClock(), NEVER_SECONDS):
        assert sleeper.was_woken(5)


def test_it_never_sleeps_longer_than_it_may() -> None:
    sleeper = Sleeper(wanted=timedelta(days=365))
    with Waker(sleeper.wake, SystemClock(), 0.01):
        assert sleeper.was_woken(3)


def test_it_wakes_again_after_an_error(caplog: pytest.LogCaptureFixture) -> None:
    sleeper = Sleeper(error=RuntimeError("the planner has a defect"))
    with Waker(sleeper.wake, SystemClock(), 0.01):
        assert sleeper.was_woken(3)
    assert "the planner has a defect" in caplog.text


def test_nothing_is_left_that_could_wake_after_it_has_ended() -> None:
    sleeper = Sleeper(wanted=timedelta(milliseconds=1))
    with no_thread_is_left(), Waker(sleeper.wake, SystemClock(), NEVER_SECONDS):
        assert sleeper.was_woken(2)


def test_ending_waits_for_a_call_that_has_begun() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def wake() -> datetime | None:
        begun.set()
        may_end.wait(PATIENCE_SECONDS)
        ended.set()
        return None

    with Waker(wake, SystemClock(), 0.01):
        assert begun.wait(PATIENCE_SECONDS)
        threading.Timer(0.2, may_end.set).start()
    assert ended.is_set()


def test_a_clock_that_was_put_back_does_not_make_it_oversleep() -> None:
    clock, sleeper = ClockThatIsPutBack(), Sleeper()
    with Waker(sleeper.wake, clock, 10.0) as waker:
        assert sleeper.was_woken(1)
        waker.check()
        clock.elapsed += 15.0
        waker.check()
        assert sleeper.count == 1
        clock.elapsed += 10.0
        waker.check()
        assert sleeper.was_woken(2)


def test_a_call_that_takes_long_is_not_made_a_second_time() -> None:
    clock, begun, may_end = ClockThatIsPutBack(), threading.Event(), threading.Event()
    calls: list[int] = []

    def wake() -> datetime | None:
        calls.append(1)
        begun.set()
        may_end.wait(PATIENCE_SECONDS)
        return None

    with Waker(wake, clock, 10.0) as waker:
        assert begun.wait(PATIENCE_SECONDS)
        clock.elapsed += 1000.0
        waker.check()
        may_end.set()
    assert calls == [1]


class ClockThatIsPutBack(ManualClock):
    """Says the system's time of day; elapsed time goes on by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0

    def now(self) -> datetime:
        return SystemClock().now()

    def elapsed_seconds(self) -> float:
        return self.elapsed

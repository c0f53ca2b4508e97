from __future__ import annotations

import threading

import pytest

from appliance.clock import ManualClock, SystemClock
from appliance.transport.errors import TransportHangError
from appliance.transport.watchdog import CallWatchdog


def ignore(error: TransportHangError) -> None:
    """Nobody has to be told."""


def test_a_call_in_time_is_not_overdue() -> None:
    clock = ManualClock()
    watchdog = CallWatchdog(clock, 30, ignore)

    with watchdog.watching("read of 512 bytes at 0"):
        clock.sleep(30)
        assert watchdog.overdue() is None


def test_a_call_past_its_limit_is_named() -> None:
    clock = ManualClock()
    watchdog = CallWatchdog(clock, 30, ignore)

    with watchdog.watching("read of 512 bytes at 0"):
        clock.sleep(20)
        with watchdog.watching("read of 512 bytes at 512"):
            clock.sleep(11)
            error = watchdog.overdue()

    assert str(error) == "read of 512 bytes at 0 has not come back for 30 seconds"


def test_a_call_that_came_back_is_forgotten_even_if_it_failed() -> None:
    clock = ManualClock()
    watchdog = CallWatchdog(clock, 30, ignore)

    with pytest.raises(RuntimeError), watchdog.watching("read"):
        raise RuntimeError
    clock.sleep(60)

    assert watchdog.overdue() is None


def test_a_hang_is_told_once_to_whoever_owns_the_process() -> None:
    told: list[TransportHangError] = []
    heard = threading.Event()

    def on_hang(error: TransportHangError) -> None:
        told.append(error)
        heard.set()

    with CallWatchdog(SystemClock(), 0.05, on_hang) as watchdog, watchdog.watching("open of disk"):
        assert heard.wait(30)

    assert [error.transient for error in told] == [True]


def test_a_watchdog_leaves_no_thread_behind() -> None:
    before = threading.active_count()

    with CallWatchdog(SystemClock(), 60, ignore):
        pass

    assert threading.active_count() == before

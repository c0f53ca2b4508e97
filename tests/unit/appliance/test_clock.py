from __future__ import annotations

from datetime import timedelta

from appliance.clock import ManualClock, SystemClock


def test_a_manual_clock_moves_only_when_it_sleeps() -> None:
    clock = ManualClock()
    start, elapsed = clock.now(), clock.elapsed_seconds()

    clock.sleep(90)

    assert clock.now() - start == timedelta(seconds=90)
    assert clock.elapsed_seconds() - elapsed == 90


def test_the_system_clock_speaks_utc_and_never_runs_backwards() -> None:
    clock = SystemClock()
    first = clock.elapsed_seconds()

    assert clock.now().utcoffset() == timedelta(0)
    assert clock.elapsed_seconds() >= first

"""Time, as a parameter: nobody else in Keepline asks the operating system what time it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where wall time and elapsed time come from."""

    def now(self) -> datetime:
        """The wall clock, with time zone UTC."""
        ...

    def elapsed_seconds(self) -> float:
        """Seconds since an arbitrary start that never run backwards and count suspended time too."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """The wall clock, with time zone UTC."""
        return datetime.now(UTC)

    def elapsed_seconds(self) -> float:
        """Seconds since boot, suspended time included (CLOCK_BOOTTIME): leases must not outlive a suspend."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(slots=True)
class ManualClock:
    """A clock that stands still until it is moved: for tests and for simulating schedules."""

    current: datetime = field(default_factory=lambda: datetime(2026, 1, 1, tzinfo=UTC))

    def now(self) -> datetime:
        """The time it was set to."""
        return self.current

    def elapsed_seconds(self) -> float:
        """Seconds since the epoch of the time it was set to."""
        return self.current.timestamp()

    def sleep(self, seconds: float) -> None:
        """Move on without waiting."""
        self.current += timedelta(seconds=seconds)

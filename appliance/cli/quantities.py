"""Numbers for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from appliance.model.units import KIB

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size_text(size: float) -> str:
    """A number of bytes with the largest unit that leaves at least 1: `8.4 GiB`."""
    amount = float(size)
    for unit in _UNITS[:-1]:
        if abs(amount) < KIB:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= KIB
    return f"{amount:.1f} {_UNITS[-1]}"


def count_text(count: int, noun: str) -> str:
    """`1 disk`, `2 disks`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration_text(duration: timedelta) -> str:
    """`3 s`, `2 min 05 s`, `4 h 07 min`."""
    seconds = max(round(duration.total_seconds()), 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def time_text(moment: datetime | None) -> str:
    """A moment in UTC to the second; empty for none."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"

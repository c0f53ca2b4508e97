"""Sizes and durations as people read them, the same wherever they are shown. Pure."""

from __future__ import annotations

from datetime import timedelta

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


def duration_text(duration: timedelta) -> str:
    """`3 s`, `2 min 05 s`, `4 h 07 min`, `2 d 3 h`."""
    minutes, seconds = divmod(max(round(duration.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"

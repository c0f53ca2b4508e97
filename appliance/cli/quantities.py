"""Counts and times as the command line prints them."""

from __future__ import annotations

from datetime import UTC, datetime


def count_text(count: int, noun: str) -> str:
    """`1 disk`, `2 disks`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def time_text(moment: datetime | None) -> str:
    """A moment in UTC to the second; empty for none."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"

"""A month of recovery points of one machine. Pure; days are those of UTC."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from appliance.model.recovery_points import Consistency
from appliance.model.runs import Run, RunState
from appliance.repository.points import ListedPoint


class DayMark(StrEnum):
    """What one dot on a day says."""

    GOOD = "good"
    CRASH_CONSISTENT = "crash"
    DOUBTFUL = "doubtful"
    """A disk is missing, or a later run found that change tracking had lied."""
    FAILED = "failed"
    """A backup that failed."""


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One day; `marks` in the order of their time."""

    day: date
    is_in_month: bool
    marks: tuple[DayMark, ...]


@dataclass(frozen=True, slots=True)
class CalendarMonth:
    """Weeks from Monday to Sunday that cover one month."""

    first: date
    weeks: tuple[tuple[CalendarDay, ...], ...]

    @property
    def before(self) -> date:
        """The first day of the month before."""
        year, month = divmod(self.first.year * 12 + self.first.month - 2, 12)
        return date(year, month + 1, 1)

    @property
    def after(self) -> date:
        """The first day of the month after."""
        year, month = divmod(self.first.year * 12 + self.first.month, 12)
        return date(year, month + 1, 1)


def month_of(first: date, points: Sequence[ListedPoint], runs: Iterable[Run]) -> CalendarMonth:
    """The month that begins with `first`, with a mark for each point and each failed backup."""
    moments = [(listed.point.created_at, mark_of(listed)) for listed in points]
    moments += [
        (run.ended_at or run.requested_at, DayMark.FAILED) for run in runs if run.state is RunState.FAILED
    ]
    by_day: dict[date, list[DayMark]] = {}
    for moment, mark in sorted(moments):
        by_day.setdefault(day_of(moment), []).append(mark)
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    return CalendarMonth(first, tuple(tuple(_day(day, first, by_day) for day in week) for week in weeks))


def mark_of(listed: ListedPoint) -> DayMark:
    """What the calendar says of a point."""
    if listed.suspect_marks or listed.point.has_gaps:
        return DayMark.DOUBTFUL
    if listed.point.consistency is Consistency.CRASH:
        return DayMark.CRASH_CONSISTENT
    return DayMark.GOOD


def day_of(moment: datetime) -> date:
    """The day in UTC."""
    return moment.astimezone(UTC).date()


def _day(day: date, first: date, by_day: dict[date, list[DayMark]]) -> CalendarDay:
    return CalendarDay(day, day.month == first.month, tuple(by_day.get(day, ())))

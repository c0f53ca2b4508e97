"""Cron expressions, strictly: whatever two programs would read differently is refused.

Five fields: minute, hour, day of the month, month, day of the week. Each is `*`, `*/step`, or a list of
values and ranges (`1-5`, `8-18/2`). Months have numbers or names, days of the week names only: numbers
start at Sunday for cron and at Monday for other programs. Days of the month and days of the week may not
both be restricted: cron takes either, other programs take both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_ITEM = re.compile(r"(?P<first>\*|[a-z0-9]+)(?:-(?P<last>[a-z0-9]+))?(?:/(?P<step>[0-9]+))?")


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five fields; `names` stand for the values from `smallest` on."""

    label: str
    smallest: int
    largest: int
    names: tuple[str, ...] = ()


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of the month", 1, 31)
_MONTH = _Field("month", 1, 12, MONTHS)
_FIELD_COUNT = 5


@dataclass(frozen=True, slots=True)
class CronExpression:
    """Which local times are meant: `times` of a day, ascending, on the days that `matches_day` accepts."""

    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """As `date.weekday()` counts: Monday is 0."""

    @classmethod
    def parse(cls, text: str) -> CronExpression:
        """Take an expression apart.

        Raises:
            ValueError: it is not one, can never come, or would be read differently elsewhere.
        """
        words = text.lower().split()
        if len(words) != _FIELD_COUNT:
            raise ValueError(
                f"{text!r} has {len(words)} fields, not 5 (minute, hour, day of the month, month, weekday)"
            )
        minutes, hours = _values(_MINUTE, words[0]), _values(_HOUR, words[1])
        days, months = _values(_DAY, words[2]), _values(_MONTH, words[3])
        if words[2] != "*" and words[4] != "*":
            raise ValueError(
                f"{text!r} restricts days of the month and weekdays: cron takes either, others take both; "
                "leave one of them as *"
            )
        if min(days) > max(LONGEST_MONTHS[month - 1] for month in months):
            raise ValueError(f"{text!r} never comes: no such month has a day {min(days)}")
        times = tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes))
        return cls(times, days, months, _weekdays(words[4]))

    def matches_day(self, day: date) -> bool:
        """Whether its times are meant on this day."""
        return day.day in self.days and day.month in self.months and day.weekday() in self.weekdays


def _values(field: _Field, text: str) -> frozenset[int]:
    found: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None or (match["first"] == "*" and match["last"]):
            raise ValueError(f"{item!r} is not a {field.label}")
        found.update(_range(field, match))
    return frozenset(found)


def _range(field: _Field, match: re.Match[str]) -> range:
    first, last, step = match["first"], match["last"], int(match["step"] or 1)
    if step == 0 or step > field.largest:
        raise ValueError(f"{match[0]!r}: the step of a {field.label} lies between 1 and {field.largest}")
    if first == "*":
        return range(field.smallest, field.largest + 1, step)
    if match["step"] and not last:
        raise ValueError(f"{match[0]!r}: a step needs a range or *")
    start = _value(field, first)
    end = _value(field, last) if last else start
    if end < start:
        raise ValueError(f"{match[0]!r} ends before it begins")
    return range(start, end + 1, step)


def _value(field: _Field, word: str) -> int:
    if word in field.names:
        return field.smallest + field.names.index(word)
    if not word.isascii() or not word.isdecimal() or not field.smallest <= int(word) <= field.largest:
        raise ValueError(f"{word!r} is not a {field.label} ({field.smallest} to {field.largest})")
    return int(word)


def _weekdays(text: str) -> frozenset[int]:
    if text == "*":
        return frozenset(range(len(WEEKDAYS)))
    found: set[int] = set()
    for item in text.split(","):
        first, dash, last = item.partition("-")
        start = _weekday(first)
        count = (_weekday(last) - start) % len(WEEKDAYS) + 1 if dash else 1
        found.update((start + number) % len(WEEKDAYS) for number in range(count))
    return frozenset(found)


def _weekday(word: str) -> int:
    if word.isdecimal():
        raise ValueError(
            f"weekday {word!r} is a number, and programs disagree whether 0 is Sunday or Monday: "
            f"write {', '.join(WEEKDAYS)}"
        )
    if word not in WEEKDAYS:
        raise ValueError(f"{word!r} is not a weekday: write {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(word)

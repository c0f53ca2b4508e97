"""Schedules as people say them: every day at 02:00 instead of `0 2 * * *`, and back. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from appliance.model.cron import WEEKDAYS

WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_ANY_TIME, _ANY_DAY = "02:00", "sun"
"""What stands in the fields that nobody has filled in."""

_CLOCK_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_MINUTE = re.compile(r"[0-5]?[0-9]")
_HOURLY = re.compile(r"(?P<minute>[0-9]{1,2}) \* \* \* \*")
_AT_A_TIME = re.compile(r"(?P<minute>[0-9]{1,2}) (?P<hour>[0-9]{1,2}) \* \* (?P<days>\*|[a-z]{3}|mon-fri)")


class Rhythm(StrEnum):
    """The choices of a form; CRON is for everything that the others do not say."""

    DAILY = "daily"
    WORKDAYS = "workdays"
    WEEKLY = "weekly"
    HOURLY = "hourly"
    CRON = "cron"


@dataclass(frozen=True, slots=True)
class ScheduleChoice:
    """What a form holds: only the fields that `rhythm` needs count, the others wait to be chosen.

    `at` is a time of the day, `minute` one of each hour, `weekday` is `mon` to `sun`.
    """

    rhythm: Rhythm = Rhythm.DAILY
    at: str = _ANY_TIME
    weekday: str = _ANY_DAY
    minute: str = "0"
    cron: str = ""


def cron_of(choice: ScheduleChoice) -> str:
    """The cron expression that means the same; one that was typed is not looked at here.

    Raises:
        ValueError: the time, the minute or the weekday is none.
    """
    if choice.rhythm is Rhythm.CRON:
        return choice.cron
    if choice.rhythm is Rhythm.HOURLY:
        return f"{_minute(choice.minute)} * * * *"
    days = {Rhythm.DAILY: "*", Rhythm.WORKDAYS: "mon-fri"}.get(choice.rhythm) or _weekday(choice.weekday)
    return f"{_clock_time(choice.at)} * * {days}"


def choice_of(cron: str) -> ScheduleChoice:
    """The choice that means the same as a valid cron expression."""
    words = " ".join(cron.lower().split())
    hourly = _HOURLY.fullmatch(words)
    if hourly:
        return ScheduleChoice(Rhythm.HOURLY, minute=str(int(hourly["minute"])), cron=cron)
    found = _AT_A_TIME.fullmatch(words)
    if found is None:
        return ScheduleChoice(Rhythm.CRON, cron=cron)
    at = f"{int(found['hour']):02}:{int(found['minute']):02}"
    rhythm = {"*": Rhythm.DAILY, "mon-fri": Rhythm.WORKDAYS}.get(found["days"], Rhythm.WEEKLY)
    weekday = found["days"] if rhythm is Rhythm.WEEKLY else _ANY_DAY
    return ScheduleChoice(rhythm, at=at, weekday=weekday, cron=cron)


def schedule_text(cron: str) -> str:
    """A valid cron expression as a person would say it."""
    choice = choice_of(cron)
    if choice.rhythm is Rhythm.CRON:
        return f"by cron: {cron}"
    if choice.rhythm is Rhythm.HOURLY:
        return f"every hour at minute {choice.minute}"
    if choice.rhythm is Rhythm.WEEKLY:
        return f"every {WEEKDAY_NAMES[WEEKDAYS.index(choice.weekday)]} at {choice.at}"
    days = "every day" if choice.rhythm is Rhythm.DAILY else "Monday to Friday"
    return f"{days} at {choice.at}"


def _clock_time(text: str) -> str:
    found = _CLOCK_TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a time of the day: write 02:00")
    return f"{int(found[2])} {int(found[1])}"


def _minute(text: str) -> str:
    if _MINUTE.fullmatch(text.strip()) is None:
        raise ValueError(f"{text!r} is not a minute: write 0 to 59")
    return str(int(text))


def _weekday(text: str) -> str:
    if text not in WEEKDAYS:
        raise ValueError(f"{text!r} is not a weekday: write {', '.join(WEEKDAYS)}")
    return text

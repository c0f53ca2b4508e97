"""When a schedule is due, in a world where local time is put forward and back.

One rule makes it simple: local time to UTC never runs backwards here. A local time that comes twice means
its first coming; one that is skipped means the moment at which it is skipped. So a time between 02:00 and
03:00 is due once on every day, and no day is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from appliance.model.cron import CronExpression
from appliance.model.policies import DueTime, Policy, Schedule

# The longest wait a schedule can ask for: 29 February, across a century that is no leap year.
_LONGEST_WAIT = timedelta(days=8 * 366)
_ONE_DAY = timedelta(days=1)
_FOUR_DAYS = timedelta(days=4)
_ONE_SECOND = timedelta(seconds=1)


def latest_due(policy: Policy, now: datetime) -> DueTime | None:
    """The newest due time of a policy at or before `now`, if it has had one since it is active."""
    zone = ZoneInfo(policy.schedule.zone)
    latest = (now + max(_offset(zone, now), _offset(zone, now - _ONE_DAY))).replace(tzinfo=None)
    for local in _descending(policy.schedule, latest):
        at = instant_of(local, zone)
        if at <= policy.active_since:
            return None
        if at <= now:
            return DueTime(policy.id, local, at)
    return None


def next_due(policy: Policy, after: datetime) -> DueTime:
    """The first due time of a policy later than `after`."""
    zone = ZoneInfo(policy.schedule.zone)
    earliest = (after + min(_offset(zone, after), _offset(zone, after + _ONE_DAY))).replace(tzinfo=None)
    for local in _ascending(policy.schedule, earliest):
        at = instant_of(local, zone)
        if at > after:
            return DueTime(policy.id, local, at)
    raise AssertionError(f"{policy.schedule.cron!r} was let through, but never comes")


def due_between(policy: Policy, after: datetime, until: datetime) -> Iterator[DueTime]:
    """Yield the due times later than `after`, up to `until`; of those that fall together, the last."""
    due = next_due(policy, after)
    while due.at <= until:
        following = _following(policy, due)
        if following.at > due.at:
            yield due
        due = following


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment in UTC of a local time: the first of two, or the end of the gap it lies in."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    return _end_of_gap(local, zone)


def _following(policy: Policy, due: DueTime) -> DueTime:
    """The due time after `due`, by local time: several may fall on the moment at which clocks skip them."""
    local = next(_ascending(policy.schedule, due.local + timedelta(minutes=1)))
    return DueTime(policy.id, local, instant_of(local, ZoneInfo(policy.schedule.zone)))


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment at which clocks skip `local`, found between its readings by the old and the new offset."""
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    new_offset = _offset(zone, after)
    while after - before > _ONE_SECOND:
        middle = before + (after - before) // 2
        if _offset(zone, middle) == new_offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _descending(schedule: Schedule, latest: datetime) -> Iterator[datetime]:
    cron = _parsed(schedule.cron)
    for day in _days_back(cron, latest.date()):
        for clock_time in reversed(cron.times):
            local = datetime.combine(day, clock_time)
            if local <= latest:
                yield local


def _ascending(schedule: Schedule, earliest: datetime) -> Iterator[datetime]:
    cron = _parsed(schedule.cron)
    for day in _days_on(cron, earliest.date()):
        for clock_time in cron.times:
            local = datetime.combine(day, clock_time)
            if local >= earliest:
                yield local


def _days_back(cron: CronExpression, day: date) -> Iterator[date]:
    end = day - _LONGEST_WAIT
    while day > end:
        if day.month not in cron.months:
            day = day.replace(day=1)
        elif cron.matches_day(day):
            yield day
        day -= _ONE_DAY


def _days_on(cron: CronExpression, day: date) -> Iterator[date]:
    end = day + _LONGEST_WAIT
    while day < end:
        if day.month not in cron.months:
            day = day.replace(day=28) + _FOUR_DAYS  # in the next month
            day = day.replace(day=1)
            continue
        if cron.matches_day(day):
            yield day
        day += _ONE_DAY


@lru_cache(maxsize=256)
def _parsed(cron: str) -> CronExpression:
    return CronExpression.parse(cron)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    if offset is None:
        raise AssertionError(f"time zone {zone.key} has no offset")
    return offset

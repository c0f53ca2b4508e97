"""Which recovery points of one machine are kept, and why; which go. Pure.

A point goes only when no rule keeps it. The newest point, and the newest good one, are kept by no rule but
always. Counting goes by points, not by the calendar: days without a point count for nothing, so a machine
whose backups have stopped keeps what it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from appliance.model.identifiers import RecoveryPointId
from appliance.model.policies import Retention

CLOCK_TOLERANCE = timedelta(minutes=10)
"""How far ahead of the clock a point may be dated before the clock is not believed any more."""
HARMLESS_NUMBER = 3
LARGEST_SHARE = 1 / 3
"""More than `HARMLESS_NUMBER` points and more than this share of a machine's points is a flood."""


@dataclass(frozen=True, slots=True)
class RetainedPoint:
    """What retention needs to know of a point; `is_good` when it has no gaps and nothing doubtful."""

    id: RecoveryPointId
    created_at: datetime
    is_good: bool = True
    protected_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """The retention of one policy; its days begin at midnight of `zone`."""

    policy: str
    retention: Retention
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class KeptPoint:
    """A point that stays, with everything that keeps it."""

    point: RetainedPoint
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What becomes of a machine's points, oldest first.

    `held_back` would go, but nothing goes because of `refusal`: a person must look at it first.
    """

    keep: tuple[KeptPoint, ...]
    retire: tuple[RetainedPoint, ...] = ()
    held_back: tuple[RetainedPoint, ...] = ()
    refusal: str = ""


def plan_retention(
    points: Iterable[RetainedPoint],
    rules: Sequence[RetentionRule],
    now: datetime,
    *,
    accept_flood: bool = False,
) -> RetentionPlan:
    """Decide on every point of one machine; without a rule, all of them stay.

    `accept_flood` is a person's word that so many may go at once; a clock that went back is never accepted.
    """
    newest_first = sorted(points, key=lambda point: (point.created_at, point.id), reverse=True)
    reasons: dict[RecoveryPointId, list[str]] = {point.id: [] for point in newest_first}
    for point, reason in _reasons(newest_first, rules, now):
        reasons[point.id].append(reason)
    oldest_first = list(reversed(newest_first))
    keep = tuple(KeptPoint(point, tuple(reasons[point.id])) for point in oldest_first if reasons[point.id])
    leaving = tuple(point for point in oldest_first if not reasons[point.id])
    refusal = _refusal(newest_first, leaving, now, accept_flood=accept_flood)
    if refusal:
        return RetentionPlan(keep, held_back=leaving, refusal=refusal)
    return RetentionPlan(keep, retire=leaving)


def _reasons(
    newest_first: Sequence[RetainedPoint], rules: Sequence[RetentionRule], now: datetime
) -> Iterator[tuple[RetainedPoint, str]]:
    if not rules:
        yield from ((point, "no policy means this machine") for point in newest_first)
    for rule in rules:
        yield from _kept_by(rule, newest_first)
    yield from ((point, "the newest point") for point in newest_first[:1])
    good = (point for point in newest_first if point.is_good)
    yield from ((point, "the newest good point") for point in _first(good, 1))
    for point in newest_first:
        if point.protected_until is not None and point.protected_until > now:
            yield point, f"protected until {point.protected_until:%Y-%m-%d %H:%M}Z"


def _kept_by(
    rule: RetentionRule, newest_first: Sequence[RetainedPoint]
) -> Iterator[tuple[RetainedPoint, str]]:
    retention, zone = rule.retention, ZoneInfo(rule.zone)
    good = (point for point in newest_first if point.is_good)
    last = _first(newest_first, retention.keep_last)
    last += [point for point in _first(good, retention.keep_last) if point not in last]
    yield from ((point, f"{rule.policy}: last {retention.keep_last}") for point in last)
    for name, count, period in (
        ("daily", retention.daily, _day),
        ("weekly", retention.weekly, _week),
        ("monthly", retention.monthly, _month),
        ("yearly", retention.yearly, _year),
    ):
        for label, point in _of_newest_periods(newest_first, count, zone, period):
            yield point, f"{rule.policy}: {name} {label}"


def _of_newest_periods(
    newest_first: Sequence[RetainedPoint], count: int, zone: ZoneInfo, period: Callable[[datetime], str]
) -> Iterator[tuple[str, RetainedPoint]]:
    """Yield the newest good point, else the newest one, of each of the newest `count` periods."""
    chosen: dict[str, RetainedPoint] = {}
    for point in newest_first:
        label = period(point.created_at.astimezone(zone))
        known = chosen.get(label)
        if (known is None and len(chosen) < count) or (known and point.is_good and not known.is_good):
            chosen[label] = point
    yield from chosen.items()


def _refusal(
    newest_first: Sequence[RetainedPoint],
    leaving: Sequence[RetainedPoint],
    now: datetime,
    *,
    accept_flood: bool,
) -> str:
    if not leaving:
        return ""
    newest = newest_first[0]
    if newest.created_at > now + CLOCK_TOLERANCE:
        return (
            f"the clock went back: point {newest.id} was made at {newest.created_at:%Y-%m-%d %H:%M}Z, "
            f"now it is {now:%Y-%m-%d %H:%M}Z"
        )
    is_flood = len(leaving) > max(HARMLESS_NUMBER, LARGEST_SHARE * len(newest_first))
    if is_flood and not accept_flood:
        return f"{len(leaving)} of {len(newest_first)} points would go at once"
    return ""


def _first(points: Iterable[RetainedPoint], count: int) -> list[RetainedPoint]:
    return [point for point, _ in zip(points, range(count), strict=False)]


def _day(local: datetime) -> str:
    return f"{local:%Y-%m-%d}"


def _week(local: datetime) -> str:
    return f"{local:%G-W%V}"


def _month(local: datetime) -> str:
    return f"{local:%Y-%m}"


def _year(local: datetime) -> str:
    return f"{local:%Y}"

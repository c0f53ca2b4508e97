from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.identifiers import RecoveryPointId
from appliance.model.policies import Retention
from appliance.scheduling import RetainedPoint, RetentionPlan, RetentionRule, plan_retention

START = datetime(2026, 1, 1, 2, 30, tzinfo=UTC)
DAY = timedelta(days=1)

RETENTIONS = st.builds(Retention, st.integers(1, 5), *[st.integers(0, 4)] * 4)
RULES = st.lists(
    st.builds(
        RetentionRule,
        st.sampled_from(["a", "b", "c"]),
        RETENTIONS,
        st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]),
    ),
    min_size=1,
    max_size=3,
)
# Hours since START: close together, so that days, weeks and years have several points each.
HISTORIES = st.lists(
    st.tuples(st.integers(0, 30_000), st.booleans(), st.integers(0, 9)),
    max_size=40,
    unique_by=lambda each: each[0],
).map(
    lambda drawn: [
        RetainedPoint(
            RecoveryPointId(f"p-{hours}"),
            START + timedelta(hours=hours),
            is_good,
            START + timedelta(days=4000) if protected == 0 else None,
        )
        for hours, is_good, protected in drawn
    ]
)
NOW = START + timedelta(hours=30_000)


def daily(count: int, *, bad: frozenset[int] = frozenset()) -> list[RetainedPoint]:
    return [
        RetainedPoint(RecoveryPointId(f"p-{number:04}"), START + number * DAY, is_good=number not in bad)
        for number in range(count)
    ]


def rule(**counts: int) -> RetentionRule:
    return RetentionRule("nightly", Retention(**counts))


def kept_numbers(plan: RetentionPlan) -> list[int]:
    return [int(kept.point.id.removeprefix("p-")) for kept in plan.keep]


def test_the_last_points_are_kept() -> None:
    plan = plan_retention(daily(10), [rule(keep_last=8)], START + 10 * DAY)
    assert kept_numbers(plan) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert [point.id for point in plan.retire] == ["p-0000", "p-0001"]
    assert plan.refusal == ""


def test_every_point_that_stays_says_why() -> None:
    plan = plan_retention(daily(3), [rule(keep_last=1, daily=2, monthly=1)], START + 3 * DAY)
    assert {kept.point.id: kept.reasons for kept in plan.keep} == {
        "p-0001": ("nightly: daily 2026-01-02",),
        "p-0002": (
            "nightly: last 1",
            "nightly: daily 2026-01-03",
            "nightly: monthly 2026-01",
            "the newest point",
            "the newest good point",
        ),
    }


def test_a_point_of_each_newest_day_week_month_and_year_is_kept() -> None:
    points = daily(800)
    plan = plan_retention(
        points, [rule(daily=3, weekly=2, monthly=3, yearly=5)], START + 800 * DAY, accept_flood=True
    )
    dates = [f"{kept.point.created_at:%Y-%m-%d}" for kept in plan.keep]
    assert dates == [
        "2026-12-31",  # year
        "2027-12-31",  # year
        "2028-01-31",  # month
        "2028-02-29",  # month
        "2028-03-05",  # Sunday: week
        "2028-03-08",
        "2028-03-09",
        "2028-03-10",
    ]


def test_days_begin_at_the_policys_own_midnight() -> None:
    two = [
        RetainedPoint(RecoveryPointId("a"), datetime(2026, 1, 1, 17, tzinfo=UTC)),
        RetainedPoint(RecoveryPointId("b"), datetime(2026, 1, 1, 19, tzinfo=UTC)),
    ]
    retention, now = Retention(keep_last=1, daily=2), datetime(2026, 1, 2, tzinfo=UTC)
    in_utc = plan_retention(two, [RetentionRule("n", retention)], now)
    in_india = plan_retention(two, [RetentionRule("n", retention, "Asia/Kolkata")], now)
    assert [point.id for point in in_utc.retire] == ["a"]
    assert in_india.retire == ()


def test_a_good_point_stands_for_its_day_before_a_newer_bad_one() -> None:
    morning_and_evening = [
        RetainedPoint(RecoveryPointId(f"{day}-{hour}"), START + day * DAY + timedelta(hours=hour), hour == 0)
        for day in range(3)
        for hour in (0, 12)
    ]
    plan = plan_retention(morning_and_evening, [rule(keep_last=1, daily=3)], START + 3 * DAY)
    assert [kept.point.id for kept in plan.keep] == ["0-0", "1-0", "2-0", "2-12"]


def test_bad_points_do_not_push_good_ones_out() -> None:
    plan = plan_retention(daily(10, bad=frozenset({7, 8, 9})), [rule(keep_last=3)], START + 10 * DAY)
    assert kept_numbers(plan) == [4, 5, 6, 7, 8, 9]


def test_without_a_policy_everything_stays() -> None:
    plan = plan_retention(daily(50), [], START + 50 * DAY)
    assert len(plan.keep) == 50
    assert plan.keep[0].reasons == ("no policy means this machine",)


def test_a_protected_point_stays_until_its_day() -> None:
    until = START + 20 * DAY
    points = [RetainedPoint(RecoveryPointId("p-9999"), START - DAY, protected_until=until), *daily(3)]
    before = plan_retention(points, [rule(keep_last=2)], until - timedelta(seconds=1))
    after = plan_retention(points, [rule(keep_last=2)], until)
    assert [point.id for point in before.retire] == ["p-0000"]
    assert [point.id for point in after.retire] == ["p-9999", "p-0000"]


def test_backups_that_have_stopped_lose_no_point_as_time_goes_by() -> None:
    rules = [rule(keep_last=1, daily=7, weekly=4)]
    then = plan_retention(daily(30), rules, START + 30 * DAY, accept_flood=True)
    years_later = plan_retention([kept.point for kept in then.keep], rules, START + 3000 * DAY)
    assert years_later.retire == ()


def test_a_flood_is_held_back_until_a_person_accepts_it() -> None:
    rules, now = [rule(keep_last=5)], START + 30 * DAY
    refused = plan_retention(daily(30), rules, now)
    assert refused.retire == ()
    assert len(refused.held_back) == 25
    assert refused.refusal == "25 of 30 points would go at once"

    accepted = plan_retention(daily(30), rules, now, accept_flood=True)
    assert accepted.retire == refused.held_back
    assert accepted.refusal == ""


@pytest.mark.parametrize(
    ("count", "keep", "goes"), [(4, 1, True), (5, 1, False), (30, 20, True), (30, 19, False)]
)
def test_a_flood_is_more_than_three_points_and_more_than_a_third(count: int, keep: int, goes: bool) -> None:  # noqa: FBT001 - a table of cases
    plan = plan_retention(daily(count), [rule(keep_last=keep)], START + count * DAY)
    assert bool(plan.retire) is goes


@pytest.mark.parametrize("accept_flood", [False, True])
def test_nothing_goes_while_the_clock_is_behind_the_newest_point(accept_flood: bool) -> None:  # noqa: FBT001 - a table of cases
    points = daily(10)
    before = points[-1].created_at - timedelta(minutes=11)
    refused = plan_retention(points, [rule(keep_last=8)], before, accept_flood=accept_flood)
    assert refused.retire == ()
    assert [point.id for point in refused.held_back] == ["p-0000", "p-0001"]
    assert refused.refusal.startswith("the clock went back: point p-0009 was made at 2026-01-10 02:30Z")

    soon = before + timedelta(minutes=2)
    assert plan_retention(points, [rule(keep_last=8)], soon).retire == refused.held_back


@given(HISTORIES, RULES)
def test_every_point_is_kept_or_goes_and_none_is_both(
    points: list[RetainedPoint], rules: list[RetentionRule]
) -> None:
    plan = plan_retention(points, rules, NOW, accept_flood=True)
    kept = [each.point for each in plan.keep]
    assert sorted(kept + list(plan.retire), key=lambda point: point.created_at) == sorted(
        points, key=lambda point: point.created_at
    )
    assert all(each.reasons for each in plan.keep)


@given(HISTORIES, RULES)
def test_the_newest_and_the_newest_good_point_never_go(
    points: list[RetainedPoint], rules: list[RetentionRule]
) -> None:
    gone = set(plan_retention(points, rules, NOW, accept_flood=True).retire)
    newest_first = sorted(points, key=lambda point: point.created_at, reverse=True)
    assert not gone & set(newest_first[:1])
    assert not gone & set([point for point in newest_first if point.is_good][:1])


@given(HISTORIES, RULES)
def test_asking_again_at_once_retires_nothing_more(
    points: list[RetainedPoint], rules: list[RetentionRule]
) -> None:
    first = plan_retention(points, rules, NOW, accept_flood=True)
    again = plan_retention([each.point for each in first.keep], rules, NOW, accept_flood=True)
    assert again == RetentionPlan(first.keep)


@given(HISTORIES, RULES, st.randoms(use_true_random=False))
def test_the_order_of_points_and_rules_does_not_decide(
    points: list[RetainedPoint], rules: list[RetentionRule], random: Random
) -> None:
    expected = plan_retention(points, rules, NOW).retire
    random.shuffle(points)
    random.shuffle(rules)
    assert plan_retention(points, rules, NOW).retire == expected


@given(HISTORIES, RULES, RULES)
def test_another_policy_never_makes_a_point_go(
    points: list[RetainedPoint], rules: list[RetentionRule], more: list[RetentionRule]
) -> None:
    fewer_rules = plan_retention(points, rules, NOW, accept_flood=True).retire
    more_rules = plan_retention(points, rules + more, NOW, accept_flood=True).retire
    assert set(more_rules) <= set(fewer_rules)


@given(HISTORIES, RULES)
def test_an_independent_reading_of_the_rules_agrees(
    points: list[RetainedPoint], rules: list[RetentionRule]
) -> None:
    gone = {point.id for point in plan_retention(points, rules, NOW, accept_flood=True).retire}
    assert gone == {point.id for point in points} - expected_to_stay(points, rules)


def expected_to_stay(points: list[RetainedPoint], rules: list[RetentionRule]) -> set[RecoveryPointId]:
    """The rules read once more, by comparing each point with all others."""
    good = [point for point in points if point.is_good]
    stay = {point.id for point in points if point.protected_until is not None}
    for group in (points, good):
        stay |= newest(group, 1)
        for each in rules:
            stay |= newest(group, each.retention.keep_last)
    for each in rules:
        retention = each.retention
        local = {point.id: point.created_at.astimezone(ZoneInfo(each.zone)) for point in points}
        stay |= stand_ins(points, retention.daily, {key: at.toordinal() for key, at in local.items()})
        stay |= stand_ins(points, retention.weekly, {key: week_of(at) for key, at in local.items()})
        stay |= stand_ins(
            points, retention.monthly, {key: 12 * at.year + at.month for key, at in local.items()}
        )
        stay |= stand_ins(points, retention.yearly, {key: at.year for key, at in local.items()})
    return stay


def newest(points: list[RetainedPoint], count: int) -> set[RecoveryPointId]:
    return {
        point.id for point in points if sum(other.created_at > point.created_at for other in points) < count
    }


def week_of(local: datetime) -> int:
    """Weeks since a Monday long ago."""
    return (local.toordinal() - 1) // 7


def stand_ins(
    points: list[RetainedPoint], count: int, period: dict[RecoveryPointId, int]
) -> set[RecoveryPointId]:
    chosen = set()
    for each in sorted(set(period.values()), reverse=True)[:count]:
        members = [point for point in points if period[point.id] == each]
        chosen.add(max(members, key=lambda point: (point.is_good, point.created_at)).id)
    return chosen

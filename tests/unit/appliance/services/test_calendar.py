from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.model.identifiers import RunId
from appliance.model.recovery_points import Consistency, RecoveryPoint, SuspectMark
from appliance.model.runs import Run, RunKind, RunState
from appliance.repository.points import ListedPoint
from appliance.services import DayMark, month_of
from tests.fakes.recovery_points import point

MARCH = date(2026, 3, 1)


def made_at(moment: datetime, consistency: Consistency = Consistency.FILESYSTEM) -> RecoveryPoint:
    return replace(point(1), created_at=moment, consistency=consistency)


def failed_at(moment: datetime) -> Run:
    return Run(RunId("r"), RunKind.BACKUP, "m", "web", RunState.FAILED, moment, "{}", ended_at=moment)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(lambda day: day.replace(day=1)))
def test_weeks_run_from_monday_and_hold_each_day_of_the_month_once(first: date) -> None:
    month = month_of(first, [], [])
    days = [day for week in month.weeks for day in week]

    assert all(len(week) == 7 and week[0].day.weekday() == 0 for week in month.weeks)
    assert [day.day for day in days] == [days[0].day + timedelta(days=n) for n in range(len(days))]
    inside = [day.day for day in days if day.is_in_month]
    assert inside[0] == first
    assert inside[-1] + timedelta(days=1) == month.after
    assert (month.before + timedelta(days=31)).replace(day=1) == first


@given(st.lists(st.integers(0, 31 * 24 * 60 - 1), max_size=20))
def test_every_point_is_a_mark_on_its_day(minutes: list[int]) -> None:
    moments = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=each) for each in minutes]
    points = [ListedPoint(made_at(moment)) for moment in moments]
    days = [day for week in month_of(MARCH, points, []).weeks for day in week]

    for day in days:
        assert len(day.marks) == sum(moment.date() == day.day for moment in moments)


def test_marks_say_what_each_point_is_in_the_order_of_the_day() -> None:
    morning = datetime(2026, 3, 4, 6, tzinfo=UTC)
    good = made_at(morning)
    crash = made_at(morning + timedelta(hours=1), Consistency.CRASH)
    doubted = made_at(morning + timedelta(hours=2))
    mark = SuspectMark("1", "m", doubted.id, RunId("r"), morning, "lied", ())
    points = [ListedPoint(doubted, (mark,)), ListedPoint(crash), ListedPoint(good)]

    days = {
        day.day: day
        for week in month_of(MARCH, points, [failed_at(morning - timedelta(hours=1))]).weeks
        for day in week
    }
    assert days[date(2026, 3, 4)].marks == (
        DayMark.FAILED,
        DayMark.GOOD,
        DayMark.CRASH_CONSISTENT,
        DayMark.DOUBTFUL,
    )


def test_a_successful_run_has_no_mark_of_its_own() -> None:
    run = replace(failed_at(datetime(2026, 3, 4, tzinfo=UTC)), state=RunState.SUCCEEDED)

    assert not [day for week in month_of(MARCH, [], [run]).weeks for day in week if day.marks]

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.cron import MONTHS, WEEKDAYS, CronExpression

A_YEAR = [date(2028, 1, 1) + timedelta(days=number) for number in range(366)]


def test_a_plain_time_of_working_days() -> None:
    cron = CronExpression.parse("30 2 * * mon-fri")
    assert cron.times == (time(2, 30),)
    assert [cron.matches_day(date(2026, 11, day)) for day in range(16, 23)] == [True] * 5 + [False] * 2


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0,30 8-9 * * *", (time(8, 0), time(8, 30), time(9, 0), time(9, 30))),
        ("0 */8 * * *", (time(0), time(8), time(16))),
        ("5 6-12/3 * * *", (time(6, 5), time(9, 5), time(12, 5))),
        ("59 23 * * *", (time(23, 59),)),
    ],
)
def test_times_are_ascending_and_all_there(text: str, times: tuple[time, ...]) -> None:
    assert CronExpression.parse(text).times == times


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("0 0 29 feb *", [date(2028, 2, 29)]),
        ("0 0 31 1,3-5 *", [date(2028, 1, 31), date(2028, 3, 31), date(2028, 5, 31)]),
        ("0 0 1 jan-dec/6 *", [date(2028, 1, 1), date(2028, 7, 1)]),
    ],
)
def test_days_of_the_month(text: str, days: list[date]) -> None:
    cron = CronExpression.parse(text)
    assert [day for day in A_YEAR if cron.matches_day(day)] == days


def test_a_range_of_weekdays_may_run_over_the_end_of_the_week() -> None:
    assert CronExpression.parse("0 0 * * fri-mon").weekdays == {4, 5, 6, 0}
    assert CronExpression.parse("0 0 * * SUN-thu").weekdays == {6, 0, 1, 2, 3}


@pytest.mark.parametrize("weekday", ["0", "7", "1-5", "mon-5", "mon,3"])
def test_a_weekday_by_number_is_refused_as_its_meaning_differs(weekday: str) -> None:
    with pytest.raises(ValueError, match="programs disagree"):
        CronExpression.parse(f"0 0 * * {weekday}")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "0 fields"),
        ("@daily", "1 fields"),
        ("0 0 * *", "4 fields"),
        ("0 0 0 * * mon", "6 fields"),
        ("60 0 * * *", "'60' is not a minute"),
        ("0 24 * * *", "'24' is not a hour"),
        ("0 0 0 * *", "'0' is not a day"),
        ("0 0 32 * *", "'32' is not a day"),
        ("0 0 * 13 *", "'13' is not a month"),
        ("0 0 * foo *", "'foo' is not a month"),
        ("0 0 * * monday", "'monday' is not a weekday"),
        ("0 0 * * mon-fri/2", "is not a weekday"),
        ("-1 0 * * *", "is not a minute"),
        ("1- 0 * * *", "is not a minute"),
        ("*-5 0 * * *", "is not a minute"),
        ("1,,2 0 * * *", "is not a minute"),
        ("5/2 0 * * *", "needs a range"),
        ("*/0 0 * * *", "step"),
        ("*/60 0 * * *", "step"),
        ("30-10 0 * * *", "ends before it begins"),
        ("? 0 * * *", "is not a minute"),
        ("٣ 0 * * *", "is not a minute"),
        ("0 0 30 feb *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("0 0 13 * fri", "restricts days of the month and weekdays"),
    ],
)
def test_what_is_wrong_or_ambiguous_is_refused_with_the_word_it_is_about(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        CronExpression.parse(text)


@given(
    minutes=st.sets(st.integers(0, 59), min_size=1),
    hours=st.sets(st.integers(0, 23), min_size=1),
    months=st.sets(st.integers(1, 12), min_size=1),
    weekdays=st.sets(st.integers(0, 6), min_size=1),
)
def test_lists_mean_exactly_what_they_name(
    minutes: set[int], hours: set[int], months: set[int], weekdays: set[int]
) -> None:
    cron = CronExpression.parse(
        " ".join(
            (
                ",".join(map(str, minutes)),
                ",".join(map(str, hours)),
                "*",
                ",".join(MONTHS[month - 1] for month in months),
                ",".join(WEEKDAYS[weekday] for weekday in weekdays),
            )
        )
    )
    assert list(cron.times) == sorted(time(hour, minute) for hour in hours for minute in minutes)
    for day in A_YEAR:
        assert cron.matches_day(day) == (day.month in months and day.weekday() in weekdays)


@given(st.text(max_size=30) | st.from_regex(r"[0-9a-z*,/-]{1,6}( [0-9a-z*,/-]{1,6}){4}", fullmatch=True))
def test_no_text_ends_in_anything_but_an_expression_or_a_refusal(text: str) -> None:
    try:
        cron = CronExpression.parse(text)
    except ValueError:
        return
    assert cron.times
    assert cron.days
    assert cron.months
    assert cron.weekdays

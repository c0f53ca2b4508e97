from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.cron import WEEKDAYS, CronExpression
from appliance.services import Rhythm, ScheduleChoice, choice_of, cron_of, schedule_text

clock_times = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))
minutes = st.integers(0, 59).map(str)
choices = st.one_of(
    st.builds(ScheduleChoice, st.sampled_from([Rhythm.DAILY, Rhythm.WORKDAYS]), at=clock_times),
    st.builds(ScheduleChoice, st.just(Rhythm.WEEKLY), at=clock_times, weekday=st.sampled_from(WEEKDAYS)),
    st.builds(ScheduleChoice, st.just(Rhythm.HOURLY), minute=minutes),
)
fields = st.lists(st.integers(0, 23), min_size=1, max_size=3, unique=True)
crons = st.builds(
    lambda minute, hours, days: f"{minute} {','.join(map(str, hours))} {days}",
    st.one_of(minutes, st.sampled_from(["*/5", "0-10", "07"])),
    fields,
    st.sampled_from(["* * *", "* * mon-fri", "* * SAT", "1 * *", "* jan *", "* * fri-mon"]),
)


@given(choices)
def test_a_choice_comes_back_from_its_cron_line(choice: ScheduleChoice) -> None:
    assert replace(choice_of(cron_of(choice)), cron="") == choice


@given(st.one_of(crons, st.just("5 * * * *")))
def test_no_choice_changes_what_a_cron_line_means(cron: str) -> None:
    assert CronExpression.parse(cron_of(choice_of(cron))) == CronExpression.parse(cron)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 2 * * *", "every day at 02:00"),
        ("30 22 * * mon-fri", "Monday to Friday at 22:30"),
        ("15 4 * * SUN", "every Sunday at 04:15"),
        ("05 * * * *", "every hour at minute 5"),
        ("0 2 1 * *", "by cron: 0 2 1 * *"),
        ("*/15 * * * *", "by cron: */15 * * * *"),
        ("0 2 * * mon-tue", "by cron: 0 2 * * mon-tue"),
    ],
)
def test_a_cron_line_is_said_as_people_say_it(cron: str, words: str) -> None:
    assert schedule_text(cron) == words


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        (ScheduleChoice(at="24:00"), "not a time of the day"),
        (ScheduleChoice(at="two"), "not a time of the day"),
        (ScheduleChoice(at=""), "not a time of the day"),
        (ScheduleChoice(Rhythm.HOURLY, minute="60"), "not a minute"),
        (ScheduleChoice(Rhythm.HOURLY, minute="-1"), "not a minute"),
        (ScheduleChoice(Rhythm.WEEKLY, weekday="0"), "not a weekday"),
    ],
)
def test_what_cannot_be_meant_is_refused(choice: ScheduleChoice, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        cron_of(choice)

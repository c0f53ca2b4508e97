"""Schedules against clocks: each trap of daylight saving time that was seen in a real scheduler."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.policies import DueTime, Policy
from appliance.scheduling import due_between, instant_of, latest_due, next_due
from tests.fakes.policies import policy

ZONES = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "America/Sao_Paulo",  # until 2019 clocks skipped midnight
    "Australia/Lord_Howe",  # half an hour
    "Asia/Kathmandu",
    "Pacific/Apia",  # there was no 30 December 2011
    "Africa/Casablanca",  # back before every Ramadan, forward after it
]
CRONS = [
    "30 2 * * *",
    "0 0 * * *",
    "*/20 * * * *",
    "15,45 1-3 * * *",
    "59 23 * * sun",
    "0 12 31 * *",
    "30 2 29 feb *",
]
MOMENTS = st.datetimes(datetime(2008, 1, 1), datetime(2034, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
POLICIES = st.builds(policy, st.just("p"), st.sampled_from(CRONS), st.sampled_from(ZONES))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def days_of(policy: Policy, first: str, last: str) -> list[tuple[str, str]]:
    """Local time and UTC of each due time, up to the minute."""
    return [
        (f"{due.local:%d %H:%M}", f"{due.at:%d %H:%M}") for due in due_between(policy, utc(first), utc(last))
    ]


def test_half_past_two_comes_once_in_the_night_that_has_it_twice() -> None:
    nightly = policy(cron="30 2 * * *", zone="Europe/Paris")
    assert days_of(nightly, "2026-10-24T00:00", "2026-10-26T12:00") == [
        ("24 02:30", "24 00:30"),
        ("25 02:30", "25 00:30"),
        ("26 02:30", "26 01:30"),
    ]
    second_coming = utc("2026-10-25T01:30")
    due = latest_due(nightly, second_coming)
    assert due is not None
    assert due.key == "p-nightly@2026-10-25T02:30"


def test_half_past_two_comes_once_in_the_night_that_skips_it() -> None:
    nightly = policy(cron="30 2 * * *", zone="Europe/Paris")
    assert days_of(nightly, "2026-03-28T00:00", "2026-03-30T12:00") == [
        ("28 02:30", "28 01:30"),
        ("29 02:30", "29 01:00"),
        ("30 02:30", "30 00:30"),
    ]


def test_several_times_that_are_skipped_together_are_due_once() -> None:
    often = policy(cron="0,20,40 2-3 * * *", zone="Europe/Paris")
    assert days_of(often, "2026-03-29T00:00", "2026-03-29T12:00") == [
        ("29 03:00", "29 01:00"),
        ("29 03:20", "29 01:20"),
        ("29 03:40", "29 01:40"),
    ]


def test_a_day_without_midnight_has_its_midnight_run() -> None:
    midnight = policy(cron="0 0 * * *", zone="America/Sao_Paulo")
    assert days_of(midnight, "2018-11-03T12:00", "2018-11-05T12:00") == [
        ("04 00:00", "04 03:00"),
        ("05 00:00", "05 02:00"),
    ]


def test_a_day_that_did_not_exist_is_made_up_for_by_the_next() -> None:
    noon = policy(cron="0 12 * * *", zone="Pacific/Apia")
    found = days_of(noon, "2011-12-29T00:00", "2011-12-31T00:00")
    assert [name for name, _ in found] == ["29 12:00", "30 12:00", "31 12:00"]


def test_a_schedule_in_utc_knows_no_summer() -> None:
    nightly = policy(cron="30 2 * * *", zone="UTC")
    assert all(
        due.at.replace(tzinfo=None) == due.local
        for due in due_between(nightly, utc("2026-01-01"), utc("2026-12-31"))
    )


@pytest.mark.parametrize(("after", "expected"), [("2024-03-01", "2028-02-29"), ("2096-03-01", "2104-02-29")])
def test_the_29th_of_february_is_found_across_a_century(after: str, expected: str) -> None:
    leap = policy(cron="0 0 29 feb *")
    assert next_due(leap, utc(after)).at == utc(expected)


def test_sunday_is_sunday() -> None:
    weekly = policy(cron="0 0 * * sun")
    assert f"{next_due(weekly, utc('2026-11-17')).local:%A %d}" == "Sunday 22"


def test_nothing_was_missed_before_the_policy_was_made() -> None:
    made = utc("2026-11-22T10:00")
    nightly = policy(cron="30 2 * * *", active_since=made)
    assert latest_due(nightly, utc("2026-11-23T02:29")) is None
    due = latest_due(nightly, utc("2026-11-23T02:30"))
    assert due is not None
    assert due.at == utc("2026-11-23T02:30")


def test_a_policy_made_at_its_due_time_waits_for_the_next() -> None:
    nightly = policy(cron="30 2 * * *", active_since=utc("2026-11-22T02:30"))
    assert latest_due(nightly, utc("2026-11-22T02:30")) is None


@given(MOMENTS, st.sampled_from(ZONES))
def test_local_time_to_utc_never_runs_backwards(moment: datetime, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    start = moment.astimezone(zone).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    instants = [instant_of(start + timedelta(minutes=10 * step), zone) for step in range(-200, 200)]
    assert all(earlier <= later for earlier, later in pairwise(instants))


@given(MOMENTS, st.sampled_from(ZONES))
def test_every_local_time_that_exists_keeps_its_name(moment: datetime, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    minute = moment.replace(second=0, microsecond=0)
    named = minute.astimezone(zone).replace(tzinfo=None, fold=0)
    found = instant_of(named, zone)
    assert found <= minute
    assert found.astimezone(zone).replace(tzinfo=None, fold=0) == named


@given(POLICIES, MOMENTS)
def test_the_next_due_time_is_the_latest_one_once_it_has_come(each: Policy, moment: datetime) -> None:
    following = next_due(each, moment)
    assert following.at > moment
    before, then = latest_due(each, following.at - timedelta(seconds=1)), latest_due(each, following.at)
    assert before is None or before.at <= moment
    assert then is not None
    assert then.at == following.at
    assert then.local >= following.local


@given(POLICIES, MOMENTS)
def test_due_times_between_two_moments_are_those_one_meets_one_by_one(each: Policy, moment: datetime) -> None:
    until = moment + timedelta(days=3)
    met: list[DueTime] = []
    due = next_due(each, moment)
    while due.at <= until:
        latest = latest_due(each, due.at)
        assert latest is not None
        met.append(latest)
        due = next_due(each, due.at)
    assert list(due_between(each, moment, until)) == met
    assert len({due.key for due in met}) == len(met)

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunKind, RunState
from appliance.scheduling import due_between
from appliance.services.protection import (
    GRACE,
    Cover,
    Protection,
    cover_of,
    overdue_since,
    protection_of,
)
from tests.fakes.policies import policy

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
EVER = datetime(2000, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
CRONS = st.sampled_from(["0 2 * * *", "30 2 * * mon-fri", "* * * * *", "0 */6 * * *", "15 3 1 * *"])
ZONES = st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe"])
MOMENTS = st.integers(0, 60 * 24 * 400).map(lambda minutes: NOON + timedelta(minutes=minutes))


def a_backup(state: RunState, requested_at: datetime, ended_at: datetime | None = None) -> Run:
    return Run(
        RunId("r"), RunKind.BACKUP, "m", "web", state, requested_at, "{}", ended_at=ended_at or requested_at
    )


@given(CRONS, ZONES, MOMENTS, st.integers(0, 60 * 24 * 60))
def test_late_means_a_due_time_past_its_grace_without_a_point_since(
    cron: str, zone: str, now: datetime, age: int
) -> None:
    means = policy(cron=cron, zone=zone, active_since=EVER)
    newest = now - timedelta(minutes=age)
    missed = any(True for _ in due_between(means, newest, now - GRACE))

    late = overdue_since(newest, None, [cover_of(means, EVER, now)]) is not None
    assert late == missed


@given(CRONS, MOMENTS, MOMENTS)
def test_a_due_time_before_the_policy_meant_the_machine_is_not_held_against_it(
    cron: str, since: datetime, now: datetime
) -> None:
    asked_at = cover_of(policy(cron=cron), since, now).asked_at

    assert asked_at is None or since < asked_at <= now - GRACE


@given(st.lists(st.one_of(st.none(), MOMENTS), max_size=4), st.one_of(st.none(), MOMENTS))
def test_one_policy_that_misses_its_point_is_enough(
    asked: list[datetime | None], newest: datetime | None
) -> None:
    covers = [Cover(f"p{number}", moment) for number, moment in enumerate(asked)]
    alone = [overdue_since(newest, None, [cover]) for cover in covers]

    assert overdue_since(newest, None, covers) == min((each for each in alone if each), default=None)


@pytest.mark.parametrize(
    ("newest", "covers", "protection"),
    [
        (None, [], Protection.NEVER),
        (NOON, [], Protection.UNPLANNED),
        (None, [Cover("nightly", None)], Protection.WAITING),
        (None, [Cover("nightly", NIGHT)], Protection.LATE),
        (NIGHT - HOUR, [Cover("nightly", NIGHT)], Protection.LATE),
        (NIGHT, [Cover("nightly", NIGHT)], Protection.PROTECTED),
        (NIGHT, [Cover("nightly", NIGHT), Cover("hourly", NOON)], Protection.LATE),
    ],
)
def test_points_and_policies_together_say_how_safe_it_is(
    newest: datetime | None, covers: list[Cover], protection: Protection
) -> None:
    assert protection_of(newest, None, covers) is protection


def test_a_failed_backup_counts_until_a_newer_point_is_there() -> None:
    failed = a_backup(RunState.FAILED, NIGHT)

    assert protection_of(NIGHT - HOUR, failed, []) is Protection.FAILED
    assert protection_of(None, failed, []) is Protection.FAILED
    assert protection_of(NIGHT + HOUR, failed, []) is Protection.UNPLANNED
    assert protection_of(NIGHT - HOUR, replace(failed, state=RunState.CANCELLED), []) is Protection.UNPLANNED


def test_a_due_time_that_came_during_a_backup_is_served_by_it() -> None:
    joined = a_backup(RunState.SUCCEEDED, NIGHT - HOUR, NIGHT + HOUR)
    covers = [Cover("nightly", NIGHT)]

    assert protection_of(NIGHT - HOUR, joined, covers) is Protection.PROTECTED
    assert protection_of(NIGHT - HOUR, replace(joined, state=RunState.CANCELLED), covers) is Protection.LATE

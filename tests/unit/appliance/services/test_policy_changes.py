from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.policies import Policy, Retention, Schedule, Selection
from appliance.model.recovery_points import Consistency
from appliance.scheduling import latest_due
from appliance.services.policy_changes import changed_policy, what_follows
from tests.fakes.policies import POLICIES, policy

NOWS = st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NIGHTLY = policy(retention=Retention(keep_last=7, monthly=12))


@given(POLICIES, POLICIES, NOWS)
def test_no_change_makes_a_due_time_of_the_past_due(before: Policy, wanted: Policy, now: datetime) -> None:
    after = changed_policy(before, wanted, now)
    assert after.id == before.id
    assert replace(after, id=wanted.id, active_since=wanted.active_since) == wanted
    was_due = latest_due(before, now) if before.enabled else None
    due = latest_due(after, now) if after.enabled else None
    assert due is None or due == was_due


@given(POLICIES, POLICIES, NOWS)
def test_what_waits_to_be_done_still_waits_unless_the_schedule_is_another(
    before: Policy, wanted: Policy, now: datetime
) -> None:
    after = changed_policy(before, replace(wanted, schedule=before.schedule, enabled=before.enabled), now)
    assert latest_due(after, now) == latest_due(before, now)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (replace(NIGHTLY, retention=Retention(keep_last=6, monthly=12)), "retired after the next backup"),
        (replace(NIGHTLY, retention=Retention(keep_last=9)), "retired after the next backup"),
        (replace(NIGHTLY, schedule=Schedule("30 2 * * *", "Asia/Tokyo")), "retired after the next backup"),
        (replace(NIGHTLY, selection=Selection(("web-*",))), "nothing retires them"),
        (replace(NIGHTLY, vcenter="other"), "nothing retires them"),
        (replace(NIGHTLY, enabled=False), "starts nothing"),
    ],
)
def test_what_a_change_does_to_points_is_said(after: Policy, said: str) -> None:
    (remark,) = what_follows(NIGHTLY, after)
    assert said in remark


@pytest.mark.parametrize(
    "after",
    [
        NIGHTLY,
        replace(NIGHTLY, retention=Retention(keep_last=8, weekly=4, monthly=12)),
        replace(NIGHTLY, schedule=Schedule("0 4 * * *")),
        replace(NIGHTLY, name="weekly", consistency=Consistency.APPLICATION),
    ],
)
def test_a_change_that_costs_nothing_needs_no_word(after: Policy) -> None:
    assert what_follows(NIGHTLY, after) == ()


def test_enabling_needs_no_word_either() -> None:
    assert what_follows(replace(NIGHTLY, enabled=False), NIGHTLY) == ()

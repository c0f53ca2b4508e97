from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunFailure, RunKind, RunState
from appliance.scheduling import RetryRule, retry_moment
from appliance.scheduling.retrying import LONGEST_WAIT_FOR_ENGINE

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
PASSING = RunFailure("KL-2011", "another task", "Nothing to do.", 3, transient=True)
LASTING = replace(PASSING, code="KL-2031", transient=False)
RULE = RetryRule(retries=2, pause=timedelta(minutes=5))
FAILED = Run(
    RunId("r"),
    RunKind.BACKUP,
    "m",
    "m",
    RunState.FAILED,
    NOW - timedelta(minutes=9),
    "{}",
    ended_at=NOW,
    failure=PASSING,
)

MOMENTS = st.timedeltas(timedelta(), timedelta(days=365)).map(lambda since: NOW - timedelta(days=200) + since)
RUNS = st.builds(
    replace,
    st.just(FAILED),
    kind=st.sampled_from(RunKind),
    state=st.sampled_from(RunState),
    failure=st.sampled_from((None, PASSING, LASTING)),
    ended_at=st.none() | MOMENTS,
    cancel_requested=st.booleans(),
    retry_number=st.integers(0, 4),
)
RULES = st.builds(RetryRule, st.integers(0, 4), st.timedeltas(timedelta(seconds=1), timedelta(hours=2)))


def test_the_first_pause_is_short_and_the_second_three_times_as_long() -> None:
    first = retry_moment(FAILED, RULE, NOW)
    second = retry_moment(replace(FAILED, retry_number=1), RULE, NOW)
    assert (first, second) == (NOW + timedelta(minutes=5), NOW + timedelta(minutes=15))


@pytest.mark.parametrize(
    "run",
    [
        replace(FAILED, retry_number=2),
        replace(FAILED, failure=LASTING),
        replace(FAILED, cancel_requested=True),
        replace(FAILED, kind=RunKind.RESTORE_MACHINE),
        replace(FAILED, state=RunState.CANCELLED),
        replace(FAILED, state=RunState.SUCCEEDED, failure=None),
        replace(FAILED, ended_at=NOW - LONGEST_WAIT_FOR_ENGINE - timedelta(seconds=1)),
    ],
    ids=["used-up", "lasting", "cancelled-meanwhile", "restore", "cancelled", "good", "long-ago"],
)
def test_nothing_else_is_repeated(run: Run) -> None:
    assert retry_moment(run, RULE, NOW) is None


def test_where_no_retries_are_wanted_there_are_none() -> None:
    assert retry_moment(FAILED, replace(RULE, retries=0), NOW) is None


@given(run=RUNS, rule=RULES, now=MOMENTS)
def test_only_a_backup_that_failed_in_passing_is_repeated_and_never_too_often(
    run: Run, rule: RetryRule, now: datetime
) -> None:
    moment = retry_moment(run, rule, now)
    may_be = (
        run.kind is RunKind.BACKUP
        and run.state is RunState.FAILED
        and run.failure == PASSING
        and not run.cancel_requested
        and run.retry_number < rule.retries
        and run.ended_at is not None
        and now - run.ended_at <= LONGEST_WAIT_FOR_ENGINE
    )
    assert (moment is not None) == may_be


@given(rule=RULES, now=MOMENTS, ended_at=MOMENTS, retry_number=st.integers(0, 4))
def test_a_pause_is_never_longer_than_it_should_be_whatever_the_clock_does(
    rule: RetryRule, now: datetime, ended_at: datetime, retry_number: int
) -> None:
    run = replace(FAILED, ended_at=ended_at, retry_number=retry_number)
    moment = retry_moment(run, rule, now)
    if moment is not None:
        assert moment <= now + rule.pause_before(retry_number + 1)
        assert ended_at > now or moment == ended_at + rule.pause_before(retry_number + 1)


@given(rule=RULES)
def test_pauses_grow(rule: RetryRule) -> None:
    pauses = [rule.pause_before(number) for number in range(1, 5)]
    assert pauses[0] == rule.pause
    assert all(later > earlier for earlier, later in pairwise(pauses))

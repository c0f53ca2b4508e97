from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.identifiers import RunId
from appliance.model.run_limits import RunLimits
from appliance.model.runs import NOWHERE, Run, RunKind, RunPlace, RunState
from appliance.services.run_waits import wait_of

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
HERE = RunPlace("main", "esx-3")
QUEUED = Run(RunId("r"), RunKind.BACKUP, "m", "m", RunState.QUEUED, NOW, "{}", place=HERE)
LIMITS = RunLimits(total=9, per_vcenter=3, per_host=2)

PLACES = st.sampled_from((NOWHERE, HERE, RunPlace("main"), RunPlace("main", "esx-1"), RunPlace("b", "esx-3")))


def at_work(*places: RunPlace) -> list[Run]:
    return [replace(QUEUED, state=RunState.RUNNING, place=place) for place in places]


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ([HERE, HERE], "host esx-3 is busy with 2 runs"),
        ([HERE, RunPlace("main", "esx-1"), RunPlace("main")], "vCenter main is busy with 3 runs"),
        ([HERE, RunPlace("b", "esx-3"), RunPlace("b", "esx-3")], None),
        ([NOWHERE] * 9, "the engine is busy with 9 runs"),
        ([NOWHERE] * 8, None),
        ([], None),
    ],
)
def test_a_run_waits_for_what_is_full(places: list[RunPlace], reason: str | None) -> None:
    assert wait_of(QUEUED, at_work(*places), LIMITS, NOW) == reason


def test_one_run_is_not_called_runs() -> None:
    limits = replace(LIMITS, per_host=1)
    assert wait_of(QUEUED, at_work(HERE), limits, NOW) == "host esx-3 is busy with 1 run"


def test_a_retry_waits_for_the_end_of_its_pause() -> None:
    retry = replace(QUEUED, retry_of=RunId("first"), not_before=NOW + timedelta(minutes=5))
    assert wait_of(retry, [], LIMITS, NOW) == "a pause until 02:35 UTC, before it repeats run first"
    assert wait_of(retry, [], LIMITS, NOW + timedelta(minutes=5)) is None


@pytest.mark.parametrize("state", sorted(set(RunState) - {RunState.QUEUED}))
def test_what_is_not_queued_does_not_wait(state: RunState) -> None:
    assert wait_of(replace(QUEUED, state=state), at_work(HERE, HERE), LIMITS, NOW) is None


@given(place=PLACES, others=st.lists(PLACES, max_size=6), more=st.lists(PLACES, max_size=3))
def test_a_run_that_waits_still_waits_when_more_is_at_work(
    place: RunPlace, others: list[RunPlace], more: list[RunPlace]
) -> None:
    run = replace(QUEUED, place=place)
    if wait_of(run, at_work(*others), LIMITS, NOW) is not None:
        assert wait_of(run, at_work(*others, *more), LIMITS, NOW) is not None

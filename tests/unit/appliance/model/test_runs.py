from __future__ import annotations

from datetime import UTC, datetime

from appliance.model.identifiers import new_run_id
from appliance.model.runs import ALLOWED_TRANSITIONS, ENDED_STATES, RunState


def test_every_state_says_where_it_may_go() -> None:
    assert set(ALLOWED_TRANSITIONS) == set(RunState)


def test_an_ended_run_never_moves_again_and_every_other_can_end() -> None:
    for state, targets in ALLOWED_TRANSITIONS.items():
        assert (state in ENDED_STATES) == (not targets)
        if targets:
            assert targets & ENDED_STATES


def test_run_ids_sort_by_time_of_request() -> None:
    earlier = new_run_id(datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), "ffffffff")
    later = new_run_id(datetime(2026, 2, 1, tzinfo=UTC), "00000000")

    assert earlier == "20260131T235959Z-ffffffff"
    assert earlier < later

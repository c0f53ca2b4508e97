from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.model.disk_progress import DiskProgress
from appliance.model.runs import Run, RunOutcome, RunProgress, RunState
from appliance.scheduling import due_between
from appliance.services import NewPolicy
from appliance.services.ended_runs import FIRINGS_KEPT, NEWEST_FIRINGS_KEPT, PROGRESS_KEPT
from tests.fakes.services import Desk
from tests.fakes.vcenters import machine

PROGRESS = RunProgress((DiskProgress("Hard disk 1", planned=10, done=10),))


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.equipped().gateway.inventory = [machine("web", 1)]
    desk.policies.add(NewPolicy("hourly", "main", "0 * * * *", names=("web",)))
    return desk


def pass_hour(desk: Desk) -> Run:
    """An hour in which the machine is backed up."""
    desk.clock.current += timedelta(hours=1)
    desk.policy_keeper.wake()
    run = desk.run_store.claim_next(desk.clock.now())
    assert run is not None
    desk.run_store.save_progress(run, "read", PROGRESS)
    return desk.run_store.finish(run, RunOutcome(RunState.SUCCEEDED, "{}"), desk.clock.now())


def firing_count(desk: Desk) -> int:
    policy = desk.policies.view("hourly").policy
    return len(desk.policy_store.firings(policy.id, limit=10_000))


def test_the_engine_forgets_what_is_old_by_itself(desk: Desk) -> None:
    first = pass_hour(desk)
    policy, now = desk.policies.view("hourly").policy, desk.clock.now()
    hours = due_between(policy, now, now + timedelta(hours=NEWEST_FIRINGS_KEPT + 2))
    desk.policy_store.settle(hours, [], now)
    before = firing_count(desk)
    assert before == NEWEST_FIRINGS_KEPT + 3

    desk.clock.current += FIRINGS_KEPT + timedelta(hours=NEWEST_FIRINGS_KEPT)
    pass_hour(desk)
    assert NEWEST_FIRINGS_KEPT <= firing_count(desk) < before
    assert desk.run_store.find(first.id).progress == PROGRESS

    desk.clock.current += PROGRESS_KEPT
    pass_hour(desk)
    assert desk.run_store.find(first.id).progress == RunProgress()
    assert desk.run_store.find(first.id).state is RunState.SUCCEEDED

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.model.identifiers import RunId
from appliance.model.policies import DueTime, Policy, PolicyId
from appliance.model.runs import Run, RunFailure, RunKind, RunState
from appliance.state import Database, DueRun, FiringStore, PolicyStore, RunStore
from tests.fakes.policies import policy

NOW = datetime(2026, 11, 22, 2, 30, 1, tzinfo=UTC)
NIGHTLY, WEEKLY, IDLE = policy("nightly"), policy("weekly"), policy("idle")


def due(each: Policy, day: int) -> DueTime:
    at = datetime(2026, 11, day, 2, 30, tzinfo=UTC)
    return DueTime(each.id, at.replace(tzinfo=None), at)


def settle(database: Database, each: Policy, day: int, *machines: str) -> None:
    """Let a due time of the policy fire for these machines, on its own day."""
    when = due(each, day)
    runs = [
        DueRun(
            Run(RunId(f"{day}-{name}"), RunKind.BACKUP, name, name, RunState.QUEUED, NOW, "{}"), (when.key,)
        )
        for name in machines
    ]
    PolicyStore(database).settle([when], runs, when.at)


@pytest.fixture
def store(database: Database) -> FiringStore:
    for each in (NIGHTLY, WEEKLY, IDLE):
        PolicyStore(database).add(each)
    return FiringStore(database)


def test_the_newest_due_time_of_each_policy_is_counted_by_state(
    database: Database, store: FiringStore
) -> None:
    settle(database, NIGHTLY, 20, "a")
    settle(database, NIGHTLY, 21, "b", "c", "d")
    settle(database, WEEKLY, 19)
    runs = RunStore(database)
    claimed = runs.claim_next(NOW)
    assert claimed is not None

    newest = store.newest_of_each()
    assert set(newest) == {NIGHTLY.id, WEEKLY.id}
    assert newest[NIGHTLY.id].due_at == due(NIGHTLY, 21).at
    assert newest[NIGHTLY.id].run_count == 3
    assert newest[WEEKLY.id].states == {}
    ((state, count),) = store.newest(NIGHTLY.id)[1].states.items()
    assert (state, count) == (RunState.RUNNING, 1)


def test_due_times_are_listed_newest_first_up_to_a_limit(database: Database, store: FiringStore) -> None:
    for day in (18, 21, 20):
        settle(database, NIGHTLY, day, f"machine-{day}")
    assert [each.due_at.day for each in store.newest(NIGHTLY.id, limit=2)] == [21, 20]
    assert store.newest(IDLE.id) == ()


def test_a_due_time_is_found_only_with_its_own_policy(database: Database, store: FiringStore) -> None:
    settle(database, NIGHTLY, 20, "a")
    key = due(NIGHTLY, 20).key
    found = store.find(NIGHTLY.id, key)
    assert found is not None
    assert (found.due_key, found.run_count) == (key, 1)
    assert store.find(WEEKLY.id, key) is None
    assert store.find(PolicyId("gone"), key) is None


def test_the_runs_of_a_due_time_come_by_name_those_that_failed_first(
    database: Database, store: FiringStore
) -> None:
    settle(database, NIGHTLY, 20, "c", "a", "d", "b")
    runs = RunStore(database)
    claimed = {run.subject: run for run in (runs.claim_next(NOW) for _ in range(4)) if run is not None}
    runs.end_with(claimed["c"], RunState.FAILED, RunFailure("KL-1", "no", "Wait.", 1), NOW)

    key = due(NIGHTLY, 20).key
    assert store.runs(key, 0, 3) == ("20-c", "20-a", "20-b")
    assert store.runs(key, 3, 3) == ("20-d",)

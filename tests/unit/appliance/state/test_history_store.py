from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.model.disk_progress import DiskProgress
from appliance.model.identifiers import RunId
from appliance.model.policies import DueTime, Policy
from appliance.model.runs import Run, RunKind, RunOutcome, RunProgress, RunState
from appliance.scheduling import due_between, newest_due_times
from appliance.state import Database, DueRun, HistoryStore, PolicyStore, RunFilter, RunStore, open_database
from tests.fakes.policies import LONG_AGO, policy

START = datetime(2026, 1, 1, tzinfo=UTC)
NIGHTLY, YEARLY = policy("nightly"), policy("yearly", cron="0 3 1 jan *")
PROGRESS = RunProgress((DiskProgress("Hard disk 1", planned=10, done=10),))


def due_on(each: Policy, day: int) -> DueTime:
    at = START + timedelta(days=day)
    return DueTime(each.id, at.replace(tzinfo=None), at)


def settle(store: PolicyStore, each: Policy, days: Sequence[int]) -> None:
    for day in days:
        due = due_on(each, day)
        run = Run(RunId(f"{each.name}-{day}"), RunKind.BACKUP, f"m{day}", "m", RunState.QUEUED, due.at, "{}")
        store.settle([due], [DueRun(run, (due.key,))], due.at)


@pytest.fixture
def policies(database: Database) -> PolicyStore:
    store = PolicyStore(database)
    store.add(NIGHTLY)
    store.add(YEARLY)
    return store


@pytest.fixture
def history(database: Database) -> HistoryStore:
    return HistoryStore(database)


def days_of(store: PolicyStore, each: Policy) -> list[int]:
    return [(firing.due_at - START).days for firing in store.firings(each.id, limit=100)]


def test_old_due_times_go_and_the_newest_of_each_policy_stay(
    policies: PolicyStore, history: HistoryStore, database: Database
) -> None:
    settle(policies, NIGHTLY, range(6))
    settle(policies, YEARLY, [0])

    assert history.forget_firings(START + timedelta(days=5), keep_newest=2, limit=100) == 4

    assert days_of(policies, NIGHTLY) == [5, 4]
    assert days_of(policies, YEARLY) == [0]
    assert len(RunStore(database).list(RunFilter(limit=100))) == 6
    assert policies.firings(NIGHTLY.id)[0].runs == ("nightly-5",)


def test_what_is_not_old_stays_however_much_it_is_and_the_newest_before_it(
    policies: PolicyStore, history: HistoryStore
) -> None:
    settle(policies, NIGHTLY, range(6))
    assert history.forget_firings(START + timedelta(days=2), keep_newest=1, limit=100) == 1
    assert days_of(policies, NIGHTLY) == [5, 4, 3, 2, 1]


def test_only_so_many_go_at_once_the_oldest_first(policies: PolicyStore, history: HistoryStore) -> None:
    settle(policies, NIGHTLY, range(6))
    bound = START + timedelta(days=9)
    assert history.forget_firings(bound, keep_newest=1, limit=2) == 2
    assert days_of(policies, NIGHTLY) == [5, 4, 3, 2]
    assert [history.forget_firings(bound, keep_newest=1, limit=2) for _ in range(3)] == [2, 1, 0]


def finished(runs: RunStore, name: str, minute: int) -> Run:
    runs.request(Run(RunId(name), RunKind.VERIFY, name, name, RunState.QUEUED, START, "{}"))
    claimed = runs.claim_next(START)
    assert claimed is not None
    runs.save_progress(claimed, "read", PROGRESS)
    return runs.finish(claimed, RunOutcome(RunState.SUCCEEDED, "{}"), START + timedelta(minutes=minute))


def test_progress_of_runs_that_ended_long_ago_is_forgotten_and_nothing_else_of_them(
    database: Database, history: HistoryStore
) -> None:
    runs = RunStore(database)
    old, young = finished(runs, "old", 1), finished(runs, "young", 9)
    runs.request(Run(RunId("at-work"), RunKind.VERIFY, "w", "w", RunState.QUEUED, START, "{}"))
    working = runs.claim_next(START)
    assert working is not None
    runs.save_progress(working, "read", PROGRESS)

    assert history.forget_progress(START + timedelta(minutes=5), limit=10) == 1

    assert runs.find(old.id).progress == RunProgress()
    assert (runs.find(old.id).result, runs.find(old.id).phase) == ("{}", "read")
    assert runs.find(young.id) == young
    assert runs.find(working.id).progress == PROGRESS
    assert history.forget_progress(START + timedelta(minutes=5), limit=10) == 0


CRONS = st.sampled_from(("*/10 * * * *", "30 2 * * *", "0 3 1 * *", "0 3 29 feb *", "15 1 * * sun"))


@given(cron=CRONS, lasted=st.integers(1, 900), put_back=st.integers(0, 31), keep=st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_no_due_time_that_could_be_asked_for_again_is_forgotten(
    cron: str, lasted: int, put_back: int, keep: int
) -> None:
    """The clock may be put back by as much as is kept: what was newest then is still known as settled."""
    kept = timedelta(days=31)
    now = START + timedelta(days=lasted)
    each = policy("p", cron=cron, active_since=LONG_AGO)
    fired = [*newest_due_times([each], START), *list(due_between(each, START, now))[-300:]]
    with tempfile.TemporaryDirectory() as folder, open_database(Path(folder)) as database:
        store = PolicyStore(database)
        store.add(each)
        store.settle(fired, [], now)
        HistoryStore(database).forget_firings(now - kept, keep, limit=10_000)
        earlier = now - timedelta(days=put_back)
        newest = [due.key for due in newest_due_times([each], earlier)]
        known = {due.key for due in fired}
        assert store.settled_among(newest) == frozenset(key for key in newest if key in known)

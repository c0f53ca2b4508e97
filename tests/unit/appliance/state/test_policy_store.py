from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from appliance.model.identifiers import RunId
from appliance.model.policies import DueTime, Policy, PolicyId, Schedule
from appliance.model.runs import Run, RunKind, RunState
from appliance.state import (
    Database,
    DatabaseUnusableError,
    DueRun,
    PolicyExistsError,
    PolicyNotFoundError,
    PolicyStaleError,
    PolicyStore,
    RunFilter,
    RunStore,
    open_database,
)
from appliance.state.database import DATABASE_FILE
from appliance.state.migration import configuration
from appliance.state.tables import FiredRunRow, FiringRow
from tests.fakes.policies import policy

NOW = datetime(2026, 11, 22, 2, 30, 1, tzinfo=UTC)
NIGHTLY, WEEKLY = policy("nightly"), policy("weekly")


def due(each: Policy, day: int = 22) -> DueTime:
    at = datetime(2026, 11, day, 2, 30, tzinfo=UTC)
    return DueTime(each.id, at.replace(tzinfo=None), at)


def run(name: str, subject: str = "machine-1") -> Run:
    return Run(RunId(name), RunKind.BACKUP, subject, subject, RunState.QUEUED, NOW, "{}")


@pytest.fixture
def store(database: Database) -> PolicyStore:
    made = PolicyStore(database)
    made.add(NIGHTLY)
    made.add(WEEKLY)
    return made


@pytest.fixture
def runs(database: Database) -> Callable[[], list[str]]:
    """The ids of all runs, oldest first."""
    return lambda: [each.id for each in reversed(RunStore(database).list(RunFilter()))]


def test_a_policy_is_found_again_field_by_field_until_it_is_removed(store: PolicyStore) -> None:
    assert store.list() == [NIGHTLY, WEEKLY]
    assert store.find("weekly") == WEEKLY
    store.remove("weekly")
    assert store.list() == [NIGHTLY]
    with pytest.raises(PolicyNotFoundError, match="weekly"):
        store.find("weekly")
    with pytest.raises(PolicyNotFoundError, match="weekly"):
        store.remove("weekly")


def test_a_name_is_taken_once(store: PolicyStore) -> None:
    with pytest.raises(PolicyExistsError, match="nightly"):
        store.add(replace(WEEKLY, name="nightly", id=PolicyId("another")))
    assert store.find("nightly") == NIGHTLY


def test_settling_queues_the_runs_and_remembers_whose_they_are(
    store: PolicyStore, runs: Callable[[], list[str]]
) -> None:
    asked = [DueRun(run("r1"), (due(NIGHTLY).key,)), DueRun(run("r2", "machine-2"), (due(NIGHTLY).key,))]
    requested = store.settle([due(NIGHTLY)], asked, NOW)
    assert [(each.run.id, each.joined) for each in requested] == [("r1", False), ("r2", False)]
    assert runs() == ["r1", "r2"]
    (firing,) = store.firings(NIGHTLY.id)
    assert (firing.due_key, firing.due_at, firing.fired_at) == (due(NIGHTLY).key, due(NIGHTLY).at, NOW)
    assert firing.runs == ("r1", "r2")
    assert store.firings(WEEKLY.id) == ()


def test_a_due_time_is_settled_once_whoever_asks(
    store: PolicyStore, database: Database, tmp_path: Path, runs: Callable[[], list[str]]
) -> None:
    store.settle([due(NIGHTLY)], [DueRun(run("r1"), (due(NIGHTLY).key,))], NOW)
    RunStore(database).request_cancel(RunId("r1"), NOW)
    with open_database(tmp_path) as other:
        again = PolicyStore(other).settle(
            [due(NIGHTLY)], [DueRun(run("r2"), (due(NIGHTLY).key,))], NOW + timedelta(hours=1)
        )
    assert again == ()
    assert runs() == ["r1"]
    assert store.settled_among([due(NIGHTLY).key, due(WEEKLY).key]) == {due(NIGHTLY).key}


def test_a_run_that_another_due_time_asks_for_as_well_is_still_queued(
    store: PolicyStore, runs: Callable[[], list[str]]
) -> None:
    store.settle([due(NIGHTLY)], [], NOW)
    both = DueRun(run("r1"), (due(NIGHTLY).key, due(WEEKLY).key))
    store.settle([due(NIGHTLY), due(WEEKLY)], [both], NOW)
    assert runs() == ["r1"]
    assert [firing.runs for firing in store.firings(NIGHTLY.id)] == [()]
    assert [firing.runs for firing in store.firings(WEEKLY.id)] == [("r1",)]


def test_an_active_backup_is_joined_and_counts_as_the_due_times_run(
    store: PolicyStore, database: Database, runs: Callable[[], list[str]]
) -> None:
    RunStore(database).request(run("by-hand"))
    (joined,) = store.settle([due(NIGHTLY)], [DueRun(run("r1"), (due(NIGHTLY).key,))], NOW)
    assert (joined.run.id, joined.joined) == ("by-hand", True)
    assert runs() == ["by-hand"]
    assert [firing.runs for firing in store.firings(NIGHTLY.id)] == [("by-hand",)]


def test_a_policy_that_was_removed_meanwhile_queues_nothing(
    store: PolicyStore, runs: Callable[[], list[str]]
) -> None:
    store.remove("nightly")
    assert store.settle([due(NIGHTLY)], [DueRun(run("r1"), (due(NIGHTLY).key,))], NOW) == ()
    assert runs() == []


def test_nothing_is_kept_of_a_settlement_that_fails_half_way(
    store: PolicyStore, runs: Callable[[], list[str]]
) -> None:
    twice_the_same_id = [
        DueRun(run("r1"), (due(NIGHTLY).key,)),
        DueRun(run("r1", "machine-2"), (due(NIGHTLY).key,)),
    ]
    with pytest.raises(DatabaseUnusableError, match="UNIQUE"):
        store.settle([due(NIGHTLY)], twice_the_same_id, NOW)
    assert runs() == []
    assert store.settled_among([due(NIGHTLY).key]) == frozenset()


def test_removing_a_policy_leaves_its_runs_and_nothing_else_of_it(
    store: PolicyStore, database: Database, runs: Callable[[], list[str]]
) -> None:
    both = DueRun(run("r1"), (due(NIGHTLY).key, due(WEEKLY).key))
    store.settle([due(NIGHTLY), due(WEEKLY)], [both], NOW)
    store.remove("nightly")
    assert runs() == ["r1"]
    assert [firing.runs for firing in store.firings(WEEKLY.id)] == [("r1",)]
    with database.reading() as session:
        assert session.query(FiringRow.policy_id).all() == [(WEEKLY.id,)]
        assert session.query(FiredRunRow.due_key).all() == [(due(WEEKLY).key,)]


def test_the_last_settled_come_first(store: PolicyStore) -> None:
    for day in (20, 21, 22):
        store.settle([due(NIGHTLY, day)], [], NOW + timedelta(days=day))
    assert [f"{firing.due_at:%d}" for firing in store.firings(NIGHTLY.id, limit=2)] == ["22", "21"]


def test_a_database_of_the_first_version_is_taken_forward_with_its_runs(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / DATABASE_FILE}")
    with engine.begin() as connection:
        first = configuration()
        first.attributes["connection"] = connection
        command.upgrade(first, "0001")
        connection.execute(
            text(
                "INSERT INTO runs (id, kind, subject, subject_name, state, requested_at, request, phase,"
                " attempt, cancel_requested) VALUES ('old', 'backup', 's', 'web', 'failed',"
                " '2026-01-01T00:00:00.000000Z', '{}', '', 1, 0)"
            )
        )
    engine.dispose()
    with open_database(tmp_path) as database:
        store = PolicyStore(database)
        store.add(NIGHTLY)
        assert store.list() == [NIGHTLY]
        assert RunStore(database).find(RunId("old")).state is RunState.FAILED


def test_a_changed_policy_takes_the_place_of_the_old_one(store: PolicyStore) -> None:
    renamed = replace(NIGHTLY, name="hourly", schedule=Schedule("0 * * * *"), enabled=False)
    store.change(renamed, NOW)
    assert store.list() == [renamed, WEEKLY]
    store.change(renamed, NOW)
    assert store.find("hourly") == renamed


def test_a_change_is_refused_where_the_name_is_taken_or_the_policy_gone(store: PolicyStore) -> None:
    with pytest.raises(PolicyExistsError, match="weekly"):
        store.change(replace(NIGHTLY, name="weekly"), NOW)
    assert store.list() == [NIGHTLY, WEEKLY]
    store.remove("nightly")
    with pytest.raises(PolicyNotFoundError, match="removed meanwhile"):
        store.change(NIGHTLY, NOW)


def test_a_local_time_that_another_zone_brings_again_is_not_settled_by_its_first_coming(
    store: PolicyStore,
) -> None:
    settled = due(NIGHTLY)
    store.settle([due(NIGHTLY, 21), settled], [DueRun(run("r1"), (settled.key,))], NOW)
    store.change(replace(NIGHTLY, schedule=Schedule("30 2 * * *", "America/New_York")), NOW)
    assert store.settled_among([due(NIGHTLY, 21).key, settled.key]) == {due(NIGHTLY, 21).key}
    history = {(firing.due_at, firing.runs) for firing in store.firings(NIGHTLY.id)}
    assert history == {(due(NIGHTLY, 21).at, ()), (settled.at, ("r1",))}


def test_what_was_settled_stays_settled_while_the_schedule_stays(store: PolicyStore) -> None:
    store.settle([due(NIGHTLY)], [], NOW - timedelta(hours=1))
    store.change(replace(NIGHTLY, enabled=False), NOW - timedelta(hours=1))
    assert store.settled_among([due(NIGHTLY).key]) == {due(NIGHTLY).key}


def test_a_policy_that_fired_for_nothing_last_is_told_apart(store: PolicyStore) -> None:
    assert store.fired_for_nothing() == frozenset()
    store.settle([due(NIGHTLY, 21), due(WEEKLY, 21)], [DueRun(run("r1"), (due(WEEKLY, 21).key,))], NOW)
    assert store.fired_for_nothing() == {NIGHTLY.id}
    later = NOW + timedelta(days=1)
    store.settle([due(NIGHTLY), due(WEEKLY)], [DueRun(run("r2"), (due(NIGHTLY).key,))], later)
    assert store.fired_for_nothing() == {WEEKLY.id}


def test_a_policy_that_is_not_the_expected_one_any_more_is_not_overwritten(store: PolicyStore) -> None:
    others = replace(NIGHTLY, enabled=False)
    store.change(others, NOW, expected=NIGHTLY)
    with pytest.raises(PolicyStaleError, match="nightly"):
        store.change(replace(NIGHTLY, vcenter="other"), NOW, expected=NIGHTLY)
    assert store.find("nightly") == others

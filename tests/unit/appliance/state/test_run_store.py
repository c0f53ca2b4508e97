from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from appliance.model.disk_progress import DiskProgress
from appliance.model.identifiers import RunId, new_run_id
from appliance.model.run_limits import RunLimits
from appliance.model.runs import (
    NOWHERE,
    Run,
    RunFailure,
    RunKind,
    RunOutcome,
    RunPlace,
    RunProgress,
    RunState,
)
from appliance.state import (
    Database,
    RunFilter,
    RunNotFoundError,
    RunStore,
    RunTransitionError,
    open_database,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS = itertools.count()


def run_for(
    subject: str,
    kind: RunKind = RunKind.RESTORE_DISK,
    after_seconds: int = 0,
    place: RunPlace = NOWHERE,
) -> Run:
    """A run as services queue it."""
    now = START + timedelta(seconds=after_seconds)
    return Run(
        id=new_run_id(now, f"{next(NUMBERS):08x}"),
        kind=kind,
        subject=subject,
        subject_name=subject.upper(),
        state=RunState.QUEUED,
        requested_at=now,
        request='{"point":"x"}',
        place=place,
    )


@pytest.fixture
def runs(database: Database) -> RunStore:
    return RunStore(database)


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """Every statement SQLAlchemy sends while the test runs, transaction bounds left out."""
    seen: list[str] = []

    def remember(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", remember)
    yield seen
    event.remove(Engine, "before_cursor_execute", remember)


def test_what_is_requested_is_found_again_field_by_field(runs: RunStore) -> None:
    failed = runs.request(run_for("a")).run
    run = replace(
        run_for("a"),
        place=RunPlace("main", "esx-1"),
        retry_of=failed.id,
        retry_number=1,
        not_before=START + timedelta(minutes=5),
    )
    requested = runs.request(run)

    assert not requested.joined
    assert requested.run == run
    assert runs.find(requested.run.id) == requested.run


def test_the_oldest_queued_run_is_claimed_first_by_one_statement(
    runs: RunStore, statements: list[str]
) -> None:
    runs.request(run_for("young", after_seconds=9))
    runs.request(run_for("old", after_seconds=1))
    statements.clear()

    claimed = runs.claim_next(START + timedelta(minutes=1))

    assert len(statements) == 1
    assert claimed is not None
    assert (claimed.subject, claimed.state, claimed.attempt) == ("old", RunState.RUNNING, 1)
    assert claimed.started_at == START + timedelta(minutes=1)


def test_nothing_is_claimed_where_nothing_is_queued(runs: RunStore) -> None:
    runs.request(run_for("a"))
    assert runs.claim_next(START) is not None
    assert runs.claim_next(START) is None


def test_a_run_whose_host_is_full_is_passed_over_until_one_there_ends(runs: RunStore) -> None:
    limits = RunLimits(per_host=1)
    for n, host in enumerate(("esx-1", "esx-1", "esx-2", "esx-1")):
        runs.request(run_for(f"m{n}", after_seconds=n, place=RunPlace("main", host)))

    first, second = (runs.claim_next(START, limits) for _ in range(2))
    assert first is not None
    assert second is not None
    assert [first.subject, second.subject] == ["m0", "m2"]
    assert runs.claim_next(START, limits) is None

    runs.finish(first, RunOutcome(RunState.SUCCEEDED, "{}"), START)
    third = runs.claim_next(START, limits)
    assert third is not None
    assert third.subject == "m1"
    assert runs.claim_next(START, limits) is None


def test_hosts_of_one_name_in_two_vcenters_are_two_hosts(runs: RunStore) -> None:
    limits = RunLimits(per_vcenter=2, per_host=1)
    for n, vcenter in enumerate(("main", "main", "other")):
        runs.request(run_for(f"m{n}", after_seconds=n, place=RunPlace(vcenter, "esx-1")))

    assert [run.subject for run in everything_claimed(runs, limits)] == ["m0", "m2"]


def test_a_vcenter_is_full_whatever_its_hosts_are(runs: RunStore) -> None:
    limits = RunLimits(per_vcenter=2)
    for n in range(4):
        runs.request(run_for(f"m{n}", after_seconds=n, place=RunPlace("main", f"esx-{n}")))
    runs.request(run_for("elsewhere", after_seconds=9, place=RunPlace("other", "esx-1")))

    assert [run.subject for run in everything_claimed(runs, limits)] == ["m0", "m1", "elsewhere"]


def test_what_needs_no_vcenter_or_no_host_is_not_counted_there(runs: RunStore) -> None:
    limits = RunLimits(per_vcenter=2, per_host=1)
    places = (NOWHERE, NOWHERE, RunPlace("main"), RunPlace("main"), RunPlace("main", "esx-1"))
    for n, place in enumerate(places):
        runs.request(run_for(f"m{n}", after_seconds=n, place=place))

    assert [run.subject for run in everything_claimed(runs, limits)] == ["m0", "m1", "m2", "m3"]


def test_a_run_that_was_taken_up_again_counts_too(runs: RunStore) -> None:
    limits = RunLimits(per_host=1)
    for n in range(2):
        runs.request(run_for(f"m{n}", after_seconds=n, place=RunPlace("main", "esx-1")))
    first = runs.claim_next(START, limits)
    assert first is not None
    runs.interrupt(first)
    runs.resume(first.id)

    assert runs.claim_next(START, limits) is None


def test_a_run_begins_no_earlier_than_it_may(runs: RunStore) -> None:
    later = START + timedelta(minutes=5)
    runs.request(replace(run_for("retried"), not_before=later))
    runs.request(run_for("young", after_seconds=60))

    assert [run.subject for run in everything_claimed(runs, RunLimits())] == ["young"]
    assert runs.claim_next(later - timedelta(seconds=1)) is None
    claimed = runs.claim_next(later)
    assert claimed is not None
    assert claimed.subject == "retried"


def test_limits_cost_no_second_statement(runs: RunStore, statements: list[str]) -> None:
    runs.request(run_for("m", place=RunPlace("main", "esx-1")))
    statements.clear()

    assert runs.claim_next(START, RunLimits(per_vcenter=1, per_host=1)) is not None
    assert len(statements) == 1


def test_a_second_backup_of_a_machine_joins_the_active_one(runs: RunStore) -> None:
    first = runs.request(run_for("machine", RunKind.BACKUP))
    second = runs.request(run_for("machine", RunKind.BACKUP))
    other = runs.request(run_for("another machine", RunKind.BACKUP))

    assert second.joined
    assert second.run.id == first.run.id
    assert not other.joined


def test_an_interrupted_backup_is_still_the_machines_active_one(runs: RunStore) -> None:
    first = runs.request(run_for("machine", RunKind.BACKUP)).run
    runs.interrupt(claimed(runs))

    assert runs.request(run_for("machine", RunKind.BACKUP)).run.id == first.id


def test_the_next_backup_is_a_new_one_once_the_first_has_ended(runs: RunStore) -> None:
    runs.request(run_for("machine", RunKind.BACKUP))
    runs.finish(claimed(runs), RunOutcome(RunState.SUCCEEDED, "{}"), START)

    assert not runs.request(run_for("machine", RunKind.BACKUP)).joined


def test_restores_from_one_point_never_join(runs: RunStore) -> None:
    runs.request(run_for("point"))
    assert not runs.request(run_for("point")).joined


def test_an_end_is_kept_with_its_result(runs: RunStore) -> None:
    runs.request(run_for("a"))
    ended = runs.finish(claimed(runs), RunOutcome(RunState.COMPLETED_WITH_GAPS, '{"disks":1}'), START)

    assert (ended.state, ended.result, ended.ended_at) == (RunState.COMPLETED_WITH_GAPS, '{"disks":1}', START)
    assert runs.find(ended.id) == ended


def test_a_failure_is_kept_with_everything_an_admin_needs(runs: RunStore) -> None:
    runs.request(run_for("a"))
    failure = RunFailure("KL-2001", "vCenter is away", "Wake it.", 3)
    ended = runs.end_with(claimed(runs), RunState.FAILED, failure, START)

    assert runs.find(ended.id).failure == failure


def test_an_engine_that_was_overtaken_cannot_end_the_next_attempt(runs: RunStore) -> None:
    runs.request(run_for("a"))
    first_attempt = claimed(runs)
    runs.interrupt(first_attempt)
    second_attempt = runs.resume(first_attempt.id)

    with pytest.raises(RunTransitionError):
        runs.finish(first_attempt, RunOutcome(RunState.SUCCEEDED, "{}"), START)
    assert not runs.save_progress(first_attempt, "late", RunProgress())
    assert runs.find(second_attempt.id) == second_attempt


def test_progress_is_kept_and_answers_whether_to_cancel(runs: RunStore) -> None:
    runs.request(run_for("a"))
    run = claimed(runs)
    progress = RunProgress((DiskProgress("Hard disk 1", planned=10, done=3, read=3),))

    assert not runs.save_progress(run, "read", progress)
    runs.request_cancel(run.id, START)
    assert runs.save_progress(run, "read", progress)
    assert (runs.find(run.id).phase, runs.find(run.id).progress) == ("read", progress)


def test_cancelling_a_queued_run_ends_it_at_once(runs: RunStore) -> None:
    queued = runs.request(run_for("a")).run
    cancelled = runs.request_cancel(queued.id, START)

    assert (cancelled.state, cancelled.ended_at) == (RunState.CANCELLED, START)
    assert runs.claim_next(START) is None


def test_cancelling_a_running_run_only_asks(runs: RunStore) -> None:
    runs.request(run_for("a"))
    asked = runs.request_cancel(claimed(runs).id, START)

    assert (asked.state, asked.cancel_requested, asked.ended_at) == (RunState.RUNNING, True, None)


def test_cancelling_what_has_ended_or_never_was_is_refused(runs: RunStore) -> None:
    queued = runs.request(run_for("a")).run
    runs.request_cancel(queued.id, START)

    with pytest.raises(RunTransitionError, match="cancelled"):
        runs.request_cancel(queued.id, START)
    with pytest.raises(RunNotFoundError, match="no-such-run"):
        runs.request_cancel(RunId("no-such-run"), START)


def test_lists_are_filtered_and_paged_newest_first(runs: RunStore) -> None:
    queued = [runs.request(run_for(f"m{n}", after_seconds=n)).run for n in range(5)]
    runs.request(run_for("other", RunKind.VERIFY, after_seconds=60))
    wanted = RunFilter(kinds=frozenset({RunKind.RESTORE_DISK}), states=frozenset({RunState.QUEUED}), limit=2)

    pages = []
    while page := runs.list(wanted):
        pages.append([run.subject for run in page])
        wanted = RunFilter(wanted.kinds, wanted.states, None, page[-1].id, wanted.limit)

    assert pages == [["m4", "m3"], ["m2", "m1"], ["m0"]]
    assert [run.id for run in runs.list(RunFilter(subject="m3"))] == [queued[3].id]


def test_a_list_costs_one_statement_whatever_its_length(runs: RunStore, statements: list[str]) -> None:
    for n in range(20):
        runs.request(run_for(f"m{n}"))
    statements.clear()

    assert len(runs.list(RunFilter())) == 20
    assert len(statements) == 1


def claimed(runs: RunStore) -> Run:
    """The next run, which must exist."""
    run = runs.claim_next(START)
    assert run is not None
    return run


def everything_claimed(runs: RunStore, limits: RunLimits) -> list[Run]:
    """What an engine with these limits begins at once, in this order."""
    return list(iter(lambda: runs.claim_next(START, limits), None))


CLAIM_EVERYTHING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from appliance.state import RunStore, open_database

with open_database(Path(sys.argv[1])) as database:
    store = RunStore(database)
    sys.stdin.readline()
    while run := store.claim_next(datetime(2026, 1, 1, tzinfo=UTC)):
        print(run.id)
"""


def test_processes_that_claim_at_once_never_share_a_run(tmp_path: Path) -> None:
    with open_database(tmp_path) as database:
        store = RunStore(database)
        requested = [store.request(run_for(f"m{n}")).run.id for n in range(60)]

    command = [sys.executable, "-c", CLAIM_EVERYTHING, str(tmp_path)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(RunId(line) for output in outputs for line in output.split()) == sorted(requested)

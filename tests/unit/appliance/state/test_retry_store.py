from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.model.identifiers import RunId, new_run_id
from appliance.model.runs import Run, RunFailure, RunKind, RunOutcome, RunState
from appliance.state import Database, RetryStore, RunNotFoundError, RunStore, open_database

START = datetime(2026, 1, 1, tzinfo=UTC)
FAILURE = RunFailure("KL-2011", "another task", "Nothing to do.", 3, transient=True)
NUMBERS = itertools.count()


def backup_of(machine: str, minute: int = 0, kind: RunKind = RunKind.BACKUP) -> Run:
    now = START + timedelta(minutes=minute)
    run_id = new_run_id(now, f"{next(NUMBERS):08x}")
    return Run(run_id, kind, machine, machine, RunState.QUEUED, now, "{}")


def repeating(failed: Run, minute: int = 1) -> Run:
    pause_ends = START + timedelta(minutes=minute + 5)
    return replace(
        backup_of(failed.subject, minute, failed.kind),
        retry_of=failed.id,
        retry_number=1,
        not_before=pause_ends,
    )


@pytest.fixture
def runs(database: Database) -> RunStore:
    return RunStore(database)


@pytest.fixture
def retries(database: Database) -> RetryStore:
    return RetryStore(database)


def failed(runs: RunStore, run: Run, minute: int = 1) -> Run:
    """The run, carried out in vain."""
    runs.request(run)
    claimed = runs.claim_next(START + timedelta(days=1))
    assert claimed is not None
    assert claimed.id == run.id
    return runs.end_with(claimed, RunState.FAILED, FAILURE, START + timedelta(minutes=minute))


def test_a_failed_backup_is_found_until_it_is_repeated(runs: RunStore, retries: RetryStore) -> None:
    run = failed(runs, backup_of("m"))
    assert retries.failed_backups(START) == [run]
    repetition = repeating(run)

    assert retries.repeat(repetition) == repetition

    assert retries.failed_backups(START) == []
    assert retries.repetition_of(run.id) == repetition
    assert runs.find(repetition.id) == repetition


def test_what_failed_before_is_not_found(runs: RunStore, retries: RetryStore) -> None:
    failed(runs, backup_of("m"), minute=5)
    assert retries.failed_backups(START + timedelta(minutes=6)) == []


def test_a_run_is_repeated_once_whoever_asks(runs: RunStore, retries: RetryStore, tmp_path: Path) -> None:
    run = failed(runs, backup_of("m"))
    first = retries.repeat(repeating(run))
    assert first is not None
    runs.request_cancel(first.id, START)

    with open_database(tmp_path) as other:
        assert RetryStore(other).repeat(repeating(run)) is None
    assert retries.repetition_of(run.id) == runs.find(first.id)


@pytest.mark.parametrize("end", [RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, None])
def test_a_later_backup_of_the_machine_is_the_last_word_whatever_became_of_it(
    runs: RunStore, retries: RetryStore, end: RunState | None
) -> None:
    run = failed(runs, backup_of("m"))
    runs.request(backup_of("m", minute=9))
    if end is not None:
        later = runs.claim_next(START + timedelta(days=1))
        assert later is not None
        if end is RunState.SUCCEEDED:
            runs.finish(later, RunOutcome(end, "{}"), START)
        else:
            runs.end_with(later, end, FAILURE, START)

    assert run not in retries.failed_backups(START)
    assert retries.repeat(repeating(run)) is None


def test_other_machines_and_other_kinds_do_not_count(runs: RunStore, retries: RetryStore) -> None:
    run = failed(runs, backup_of("m"))
    runs.request(backup_of("other", minute=9))
    runs.request(backup_of("m", minute=9, kind=RunKind.VERIFY))

    assert retries.failed_backups(START) == [run]
    assert retries.repeat(repeating(run)) is not None


def test_who_asks_for_a_backup_meanwhile_joins_the_repetition_and_ends_its_pause(
    runs: RunStore, retries: RetryStore
) -> None:
    repetition = retries.repeat(repeating(failed(runs, backup_of("m"))))
    assert repetition is not None
    assert runs.claim_next(START) is None

    joined = runs.request(backup_of("m", minute=2))

    assert joined.joined
    assert joined.run == replace(repetition, not_before=None)
    claimed = runs.claim_next(START)
    assert claimed is not None
    assert claimed.id == repetition.id


def test_a_pause_can_be_ended(runs: RunStore, retries: RetryStore) -> None:
    repetition = retries.repeat(repeating(failed(runs, backup_of("m"))))
    assert repetition is not None

    assert retries.hurry(repetition.id).not_before is None
    assert runs.claim_next(START) is not None
    with pytest.raises(RunNotFoundError):
        retries.hurry(RunId("no-such-run"))


def test_a_pause_is_no_reason_not_to_be_cancelled(runs: RunStore, retries: RetryStore) -> None:
    repetition = retries.repeat(repeating(failed(runs, backup_of("m"))))
    assert repetition is not None

    assert runs.request_cancel(repetition.id, START).state is RunState.CANCELLED
    assert runs.claim_next(START + timedelta(days=1)) is None


def test_a_restore_that_was_repeated_is_not_repeated_twice(runs: RunStore) -> None:
    run = failed(runs, backup_of("point", kind=RunKind.RESTORE_MACHINE))
    first = runs.request(replace(repeating(run), not_before=None))
    second = runs.request(replace(repeating(run), not_before=None))

    assert (first.joined, second.joined) == (False, True)
    assert second.run == first.run

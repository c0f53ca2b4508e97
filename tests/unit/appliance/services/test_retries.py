from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunFailure, RunKind, RunOutcome, RunPlace, RunState
from appliance.services import BackupOrder
from appliance.services.errors import RunNotRepeatableError
from appliance.state import RunFilter, RunNotFoundError
from tests.fakes.services import Desk
from tests.fakes.vcenters import machine

PASSING = RunFailure("KL-2011", "another task", "Nothing to do.", 3, transient=True)
LASTING = replace(PASSING, transient=False)


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.equipped().gateway.inventory = [machine("web", 1), machine("db", 2)]
    return desk


def ask(desk: Desk, name: str = "web") -> Run:
    return desk.backups.request(BackupOrder("main", [name]))[0].run


def end(desk: Desk, run: Run, failure: RunFailure | None = PASSING) -> Run:
    """The run, begun and ended: failed unless there is no failure."""
    claimed = desk.run_store.claim_next(desk.clock.now())
    assert claimed is not None
    assert claimed.id == run.id
    if failure is None:
        return desk.run_store.finish(claimed, RunOutcome(RunState.SUCCEEDED, "{}"), desk.clock.now())
    return desk.run_store.end_with(claimed, RunState.FAILED, failure, desk.clock.now())


def test_a_backup_that_failed_in_passing_is_tried_again_twice_and_then_left(desk: Desk) -> None:
    run = end(desk, ask(desk))
    pauses = []
    for _ in range(2):
        (repetition,) = desk.retries.queue_due()
        assert repetition.not_before is not None
        pauses.append(repetition.not_before - desk.clock.now())
        assert repetition.retry_of == run.id
        assert repetition.request == run.request
        assert repetition.place == run.place == RunPlace("main", "esx-1")
        desk.clock.current = repetition.not_before
        run = end(desk, repetition)

    assert pauses == [timedelta(minutes=5), timedelta(minutes=15)]
    assert run.retry_number == 2
    assert desk.retries.queue_due() == []


def test_both_logs_say_which_run_repeats_which(desk: Desk) -> None:
    run = end(desk, ask(desk))
    (repetition,) = desk.retries.queue_due()

    assert [line.text for line in desk.runs.log_of(run.id)] == [
        f"run {repetition.id} tries again, not before 00:05 UTC"
    ]
    assert [line.text for line in desk.runs.log_of(repetition.id)] == [
        f"repeats run {run.id}, which ended with KL-2011"
    ]


def test_asking_again_repeats_nothing_twice(desk: Desk) -> None:
    end(desk, ask(desk))
    assert len(desk.retries.queue_due()) == 1
    assert desk.retries.queue_due() == []


def test_what_needs_a_change_is_not_tried_again(desk: Desk) -> None:
    end(desk, ask(desk), LASTING)
    assert desk.retries.queue_due() == []


def test_the_keeper_repeats_what_failed(desk: Desk) -> None:
    run = end(desk, ask(desk))
    desk.policy_keeper.wake()
    repetition = desk.retries.repetition_of(run.id)
    assert repetition is not None
    assert repetition.state is RunState.QUEUED


def test_a_failed_run_is_repeated_by_hand_at_once_whatever_it_failed_with(desk: Desk) -> None:
    run = end(desk, ask(desk), LASTING)
    requested = desk.retries.by_hand(run.id)

    assert not requested.joined
    assert (requested.run.retry_of, requested.run.retry_number) == (run.id, 0)
    assert requested.run.not_before is None
    assert desk.runs.find(requested.run.id).request == run.request


def test_a_repetition_by_hand_has_its_own_retries(desk: Desk) -> None:
    run = end(desk, ask(desk), LASTING)
    end(desk, desk.retries.by_hand(run.id).run)
    assert [each.retry_number for each in desk.retries.queue_due()] == [1]


def test_a_cancelled_run_is_repeated_by_hand_but_not_by_itself(desk: Desk) -> None:
    cancelled = desk.runs.cancel(ask(desk).id)
    assert desk.retries.queue_due() == []
    assert desk.retries.by_hand(cancelled.id).run.retry_of == cancelled.id


def test_a_retry_that_waits_is_joined_by_hand_and_waits_no_more(desk: Desk) -> None:
    run = end(desk, ask(desk))
    (repetition,) = desk.retries.queue_due()
    requested = desk.retries.by_hand(run.id)

    assert requested.joined
    assert requested.run == replace(repetition, not_before=None)
    assert desk.retries.by_hand(run.id).run == requested.run
    end(desk, requested.run)


def test_the_newest_repetition_is_the_one_that_is_repeated(desk: Desk) -> None:
    run = end(desk, ask(desk), LASTING)
    second = end(desk, desk.retries.by_hand(run.id).run, LASTING)
    assert desk.retries.by_hand(run.id).run.retry_of == second.id


def test_a_machine_that_is_being_backed_up_anyway_is_joined(desk: Desk) -> None:
    run = end(desk, ask(desk), LASTING)
    desk.clock.current += timedelta(minutes=1)
    other = ask(desk)
    requested = desk.retries.by_hand(run.id)
    assert (requested.run.id, requested.joined) == (other.id, True)


def test_a_failed_verification_is_repeated_by_hand_only(desk: Desk) -> None:
    run = end(desk, desk.repositories.request_check(read_data=True).run)
    assert run.kind is RunKind.CHECK_REPOSITORY
    assert desk.retries.queue_due() == []

    requested = desk.retries.by_hand(run.id)

    assert (requested.run.kind, requested.run.request) == (run.kind, run.request)
    assert desk.retries.by_hand(run.id).joined


def test_what_has_succeeded_is_not_repeated(desk: Desk) -> None:
    run = end(desk, ask(desk), LASTING)
    repetition = end(desk, desk.retries.by_hand(run.id).run, None)
    with pytest.raises(RunNotRepeatableError, match=repetition.id):
        desk.retries.by_hand(run.id)
    assert len(desk.runs.page(RunFilter())) == 2


def test_a_run_that_never_was_cannot_be_repeated(desk: Desk) -> None:
    with pytest.raises(RunNotFoundError):
        desk.retries.by_hand(RunId("no-such-run"))

from __future__ import annotations

from appliance.engine.start import LARGEST_ATTEMPT
from appliance.model.identifiers import ManagedObjectId, RunId
from appliance.model.runs import RunOutcome, RunState
from appliance.state import JournalEntry, JournalKind
from appliance.vsphere.errors import VcenterUnreachableError
from tests.fakes.engine import Workplace


def test_a_run_of_a_dead_engine_is_cleaned_up_and_taken_up_again(workplace: Workplace) -> None:
    run = workplace.leave_running()

    workplace.engine().run_until_idle()

    assert workplace.recovery.recovered == [run.id]
    assert [each.attempt for each in workplace.handler.executed] == [2]
    assert workplace.states() == [RunState.SUCCEEDED]


def test_a_run_that_cannot_be_cleaned_up_fails_with_that_reason(workplace: Workplace) -> None:
    run = workplace.leave_running()
    workplace.recovery.error = VcenterUnreachableError("vc.example", "no route")

    workplace.engine().run_until_idle()

    failed = workplace.runs.find(run.id)
    assert failed.failure is not None
    assert (failed.state, failed.failure.code) == (RunState.FAILED, "KL-2001")
    assert workplace.handler.executed == []
    assert workplace.log_of(run.id)[-1].warning


def test_a_vcenter_that_is_away_is_asked_once_for_each_run(workplace: Workplace) -> None:
    run = workplace.leave_running()
    announce(workplace, run.id)
    workplace.recovery.error = VcenterUnreachableError("vc.example", "no route")

    workplace.engine().run_until_idle()

    assert workplace.recovery.recovered == [run.id]
    assert len(workplace.journal.open_entries()) == 1


def test_what_an_interrupted_run_kept_for_its_next_attempt_goes_when_it_is_given_up(
    workplace: Workplace,
) -> None:
    run = workplace.leave_running()
    announce(workplace, run.id)
    for _ in range(LARGEST_ATTEMPT - 1):
        workplace.runs.interrupt(run)
        run = workplace.runs.resume(run.id)

    workplace.engine().run_until_idle()

    assert workplace.recovery.recovered == [run.id, run.id]  # as interrupted, then as ended


def test_a_defect_in_recovery_fails_the_run_and_not_the_engine(workplace: Workplace) -> None:
    run = workplace.leave_running()
    workplace.queue()
    workplace.recovery.error = ZeroDivisionError("a defect")

    workplace.engine().run_until_idle()
    assert workplace.runs.find(run.id).state is RunState.FAILED
    assert workplace.states() == [RunState.FAILED, RunState.SUCCEEDED]


def test_a_run_that_was_to_be_cancelled_when_its_engine_died_is_cleaned_up_and_cancelled(
    workplace: Workplace,
) -> None:
    run = workplace.leave_running()
    workplace.runs.request_cancel(run.id, workplace.clock.now())

    workplace.engine().run_until_idle()

    assert workplace.recovery.recovered == [run.id]
    assert workplace.runs.find(run.id).state is RunState.CANCELLED
    assert workplace.handler.executed == []


def test_a_run_whose_engine_always_dies_is_given_up(workplace: Workplace) -> None:
    run = workplace.leave_running()
    for _ in range(LARGEST_ATTEMPT - 1):
        workplace.runs.interrupt(run)
        run = workplace.runs.resume(run.id)

    workplace.engine().run_until_idle()

    failed = workplace.runs.find(run.id)
    assert failed.failure is not None
    assert (failed.state, failed.failure.code) == (RunState.FAILED, "KL-5010")
    assert workplace.recovery.recovered == [run.id]


def test_what_an_ended_run_has_left_is_cleaned_up_too(workplace: Workplace) -> None:
    run = workplace.leave_running()
    announce(workplace, run.id)
    workplace.runs.finish(run, RunOutcome(RunState.SUCCEEDED, "{}"), workplace.clock.now())

    workplace.engine().run_until_idle()

    assert workplace.recovery.recovered == [run.id]
    assert workplace.states() == [RunState.SUCCEEDED]


def test_what_cannot_be_cleaned_up_now_stays_in_the_journal_and_stops_nobody(workplace: Workplace) -> None:
    run = workplace.leave_running()
    announce(workplace, run.id)
    workplace.runs.finish(run, RunOutcome(RunState.SUCCEEDED, "{}"), workplace.clock.now())
    workplace.recovery.error = VcenterUnreachableError("vc.example", "no route")
    workplace.queue()

    workplace.engine().run_until_idle()

    assert workplace.states() == [RunState.SUCCEEDED, RunState.SUCCEEDED]
    assert len(workplace.journal.open_entries()) == 1


def announce(workplace: Workplace, run_id: RunId) -> None:
    entry = JournalEntry(JournalKind.SNAPSHOT, run_id, "main", ManagedObjectId("vm-1"), "mark")
    workplace.journal.open(entry, workplace.clock.now())


def test_what_ended_runs_have_kept_goes_unless_vcenter_may_still_hold_something_of_theirs(
    workplace: Workplace,
) -> None:
    run = workplace.leave_running()
    workplace.recovery.error = VcenterUnreachableError("vc.example", "no route")
    announce(workplace, run.id)
    workplace.engine().run_until_idle()
    assert workplace.runs.find(run.id).state is RunState.FAILED
    assert workplace.recovery.needed[-1] == {run.id}
    queued = workplace.queue()

    workplace.recovery.error = None
    for entry in workplace.journal.open_entries():
        workplace.journal.close(entry.number, workplace.clock.now())
    workplace.engine().run_until_idle()

    assert workplace.recovery.needed[-1] == {queued}

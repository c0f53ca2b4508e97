from __future__ import annotations

import threading

import pytest

from appliance.dispatch import TaskCancelledError
from appliance.errors import ApplianceError, RunCancelledError
from appliance.model.disk_progress import DiskProgress
from appliance.model.identifiers import ManagedObjectId
from appliance.model.runs import Run, RunFailure, RunKind, RunOutcome, RunPlace, RunState
from appliance.progress import ProgressSink
from appliance.state import JournalEntry, JournalKind
from appliance.vsphere.errors import VcenterUnreachableError
from tests.fakes.engine import FakeHandler, Workplace, succeed

PATIENCE_SECONDS = 60.0


def wait_until_cancelled(_run: Run, _progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
    assert cancelled.wait(PATIENCE_SECONDS)
    raise RunCancelledError("asked to stop")


def test_everything_queued_is_carried_out_by_its_kinds_handler(workplace: Workplace) -> None:
    runs = [workplace.queue(), workplace.queue(RunKind.VERIFY), workplace.queue()]

    workplace.engine().run_until_idle()

    assert sorted(run.id for run in workplace.handler.executed) == sorted(runs)
    assert workplace.states() == [RunState.SUCCEEDED] * 3


def test_what_the_handler_answers_becomes_the_runs_end(workplace: Workplace) -> None:
    run_id = workplace.queue()
    workplace.handler.step = lambda *_: RunOutcome(RunState.COMPLETED_WITH_GAPS, '{"gaps":1}')

    workplace.engine().run_until_idle()

    run = workplace.runs.find(run_id)
    assert (run.state, run.result, run.failure) == (RunState.COMPLETED_WITH_GAPS, '{"gaps":1}', None)


def test_an_appliance_error_fails_its_run_with_code_remedy_and_exit_status(workplace: Workplace) -> None:
    failing, other = workplace.queue(), workplace.queue()

    def fail_first(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        if run.id == failing:
            raise VcenterUnreachableError("vc.example", "no route")
        return succeed(run, progress, cancelled)

    workplace.handler.step = fail_first
    workplace.engine().run_until_idle()

    run = workplace.runs.find(failing)
    error = VcenterUnreachableError("vc.example", "no route")
    assert run.state is RunState.FAILED
    assert run.failure == RunFailure("KL-2001", str(error), error.remedy, 3, error.transient)
    assert "KL-2001" in workplace.log_of(failing)[-1].text
    assert workplace.runs.find(other).state is RunState.SUCCEEDED


def test_a_defect_ends_its_run_and_no_other(workplace: Workplace, caplog: pytest.LogCaptureFixture) -> None:
    failing, other = workplace.queue(), workplace.queue()

    def divide(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        if run.id == failing:
            raise ZeroDivisionError("a defect")
        return succeed(run, progress, cancelled)

    workplace.handler.step = divide
    workplace.engine().run_until_idle()

    failure = workplace.runs.find(failing).failure
    assert failure is not None
    assert (failure.code, failure.message) == (ApplianceError.code, "ZeroDivisionError: a defect")
    assert "Traceback" in caplog.text
    assert workplace.runs.find(other).state is RunState.SUCCEEDED


def test_a_kind_nobody_handles_fails(workplace: Workplace) -> None:
    run_id = workplace.queue(RunKind.RESTORE_DISK)
    workplace.engine().run_until_idle()
    failure = workplace.runs.find(run_id).failure
    assert failure is not None
    assert failure.code == "KL-5011"


def test_no_more_runs_than_allowed_work_at_once(workplace: Workplace) -> None:
    for _ in range(6):
        workplace.queue()
    lock = threading.Lock()
    meeting = threading.Barrier(2)
    working, most = 0, 0

    def count(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        meeting.wait(PATIENCE_SECONDS)  # passes only where two work at once
        with lock:
            working -= 1
        return succeed(run, progress, cancelled)

    workplace.handler.step = count
    workplace.engine(concurrent_runs=2).run_until_idle()
    assert most == 2


def test_a_full_host_keeps_no_other_host_waiting(workplace: Workplace) -> None:
    first, waiting, other = (
        workplace.queue(place=RunPlace("main", host)) for host in ("esx-1", "esx-1", "esx-2")
    )
    meeting = threading.Barrier(2)

    def meet_once(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        if run.id != waiting:
            meeting.wait(PATIENCE_SECONDS)  # passes only where one run on each host is at work
            assert workplace.runs.find(waiting).state is RunState.QUEUED
        return succeed(run, progress, cancelled)

    workplace.handler.step = meet_once
    workplace.engine(concurrent_runs=3, per_host=1).run_until_idle()

    assert {run.id for run in workplace.handler.executed[:2]} == {first, other}
    assert workplace.states() == [RunState.SUCCEEDED] * 3


def test_the_engine_leaves_when_the_named_runs_have_ended(workplace: Workplace) -> None:
    mine = workplace.queue()
    engine = workplace.engine(concurrent_runs=1)

    def queue_another(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        workplace.queue()
        return succeed(run, progress, cancelled)

    workplace.handler.step = queue_another
    engine.run_until_ended([mine])
    assert workplace.states() == [RunState.SUCCEEDED, RunState.QUEUED]


def test_a_request_to_cancel_reaches_the_handler_and_ends_the_run_as_cancelled(workplace: Workplace) -> None:
    run_id = workplace.queue()

    def be_cancelled(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        workplace.runs.request_cancel(run.id, workplace.clock.now())
        return wait_until_cancelled(run, progress, cancelled)

    workplace.handler.step = be_cancelled
    workplace.engine().run_until_idle()

    run = workplace.runs.find(run_id)
    assert run.state is RunState.CANCELLED
    assert run.failure is not None
    assert run.failure.exit_status == RunCancelledError.exit_status


def test_a_task_that_was_cancelled_counts_as_a_cancelled_run(workplace: Workplace) -> None:
    run_id = workplace.queue()

    def be_cancelled(run: Run, _progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        workplace.runs.request_cancel(run.id, workplace.clock.now())
        assert cancelled.wait(PATIENCE_SECONDS)
        raise TaskCancelledError("disk 1 was cancelled")

    workplace.handler.step = be_cancelled
    workplace.engine().run_until_idle()
    run = workplace.runs.find(run_id)
    assert run.failure is not None
    assert (run.state, run.failure.code) == (RunState.CANCELLED, RunCancelledError.code)


def test_what_earlier_attempts_of_a_cancelled_run_have_kept_goes_with_it(workplace: Workplace) -> None:
    run = workplace.leave_running()
    entry = JournalEntry(JournalKind.SNAPSHOT, run.id, "main", ManagedObjectId("vm-1"), "mark")
    workplace.journal.open(entry, workplace.clock.now())

    def be_cancelled(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        workplace.runs.request_cancel(run.id, workplace.clock.now())
        return wait_until_cancelled(run, progress, cancelled)

    workplace.handler.step = be_cancelled
    workplace.engine().run_until_idle()

    assert workplace.runs.find(run.id).state is RunState.CANCELLED
    assert workplace.recovery.recovered == [run.id, run.id]  # before the second attempt, and after it


def test_a_cancelled_run_that_has_left_nothing_is_not_cleaned_up_after(workplace: Workplace) -> None:
    workplace.queue()

    def be_cancelled(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        workplace.runs.request_cancel(run.id, workplace.clock.now())
        return wait_until_cancelled(run, progress, cancelled)

    workplace.handler.step = be_cancelled
    workplace.engine().run_until_idle()
    assert workplace.recovery.recovered == []


def test_a_run_that_fails_while_it_is_cancelled_says_why(workplace: Workplace) -> None:
    run_id = workplace.queue()

    def fail_to_clean_up(run: Run, _progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        workplace.runs.request_cancel(run.id, workplace.clock.now())
        assert cancelled.wait(PATIENCE_SECONDS)
        raise VcenterUnreachableError("vc.example", "no route")

    workplace.handler.step = fail_to_clean_up
    workplace.engine().run_until_idle()
    assert workplace.runs.find(run_id).state is RunState.FAILED


def test_a_run_that_is_done_before_the_cancel_reaches_it_has_succeeded(workplace: Workplace) -> None:
    run_id = workplace.queue()

    def finish_anyway(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        workplace.runs.request_cancel(run.id, workplace.clock.now())
        return succeed(run, progress, cancelled)

    workplace.handler.step = finish_anyway
    workplace.engine().run_until_idle()
    assert workplace.runs.find(run_id).state is RunState.SUCCEEDED


def test_stopping_the_engine_interrupts_what_runs_and_begins_nothing_new(workplace: Workplace) -> None:
    workplace.queue()
    workplace.queue()
    engine = workplace.engine(concurrent_runs=1)

    def stop_engine(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        engine.stop()
        return wait_until_cancelled(run, progress, cancelled)

    workplace.handler.step = stop_engine
    engine.run_until_stopped()
    assert workplace.states() == [RunState.INTERRUPTED, RunState.QUEUED]


def test_the_next_engine_takes_up_what_the_stopped_one_left(workplace: Workplace) -> None:
    workplace.queue()
    engine = workplace.engine(concurrent_runs=1)

    def stop_engine(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        engine.stop()
        return wait_until_cancelled(run, progress, cancelled)

    workplace.handler.step = stop_engine
    engine.run_until_stopped()
    workplace.handler = FakeHandler()
    workplace.engine().run_until_idle()

    assert workplace.states() == [RunState.SUCCEEDED]
    assert [run.attempt for run in workplace.handler.executed] == [2]


def test_progress_and_messages_are_kept(workplace: Workplace) -> None:
    run_id = workplace.queue()
    disk = DiskProgress("Hard disk 1", planned=10, done=10, read=4)

    def report(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        progress.phase("read")
        progress.disk(DiskProgress("Hard disk 1", planned=10, done=5))
        progress.message("a snapshot was taken")
        progress.message("tracking is off", warning=True)
        progress.disk(disk)
        return succeed(run, progress, cancelled)

    workplace.handler.step = report
    workplace.engine().run_until_idle()

    run = workplace.runs.find(run_id)
    assert (run.phase, run.progress.disks) == ("read", (disk,))
    lines = [(line.text, line.warning) for line in workplace.log_of(run_id)]
    assert lines == [("a snapshot was taken", False), ("tracking is off", True)]

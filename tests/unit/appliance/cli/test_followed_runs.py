from __future__ import annotations

import os
import signal
import threading

import pytest

from appliance.errors import RunCancelledError
from appliance.model.change_tracking import ReadScope, ScopeReason
from appliance.model.documents import to_json
from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import Consistency, DiskStatistics
from appliance.model.results import BackupResult, DiskResult, GapResult, RestoreDiskResult
from appliance.model.runs import Run, RunOutcome, RunState
from appliance.model.units import GIB, MIB
from appliance.model.virtual_machines import ExclusionReason
from appliance.progress import ProgressSink
from appliance.services import BackupOrder
from appliance.state import RunFilter
from appliance.storage import RepositoryMissingError
from appliance.vsphere.errors import VcenterUnreachableError
from tests.fakes.appliance import Terminal
from tests.fakes.recovery_points import disk, image, point
from tests.fakes.vcenters import machine

PATIENCE_SECONDS = 60.0
TOTAL = DiskStatistics(examined=GIB, read=GIB, stored=300 * MIB, deduplicated=5 * MIB)


def back_up(run: Run, progress: ProgressSink, _cancelled: threading.Event) -> RunOutcome:
    progress.message("Hard disk 1: reading allocated, because first-point")
    return RunOutcome(RunState.SUCCEEDED, to_json(result_of(run)).decode())


def result_of(run: Run, *gaps: GapResult) -> BackupResult:
    of_disk = DiskResult(
        "Hard disk 1", GIB, ReadScope.ALLOCATED, ScopeReason.FIRST_POINT, TOTAL, "nbdssl", 0, 0
    )
    return BackupResult(
        RecoveryPointId(run.id), run.subject_name, Consistency.CRASH, (of_disk,), gaps, TOTAL, 1.5
    )


@pytest.fixture(autouse=True)
def machines(terminal: Terminal) -> None:
    terminal.desk.gateway.inventory = [machine("web-01", 1), machine("db-01", 2)]
    terminal.handler.step = back_up


def test_a_backup_is_queued_carried_out_and_told(terminal: Terminal) -> None:
    answer = terminal.call("backup", "web-01", "db-01")

    assert answer.status == 0
    first, second = answer.output.splitlines()
    assert "web-01: recovery point" in first
    assert "read 1.0 GiB, stored 300.0 MiB, deduplicated 5.0 MiB" in first
    assert "db-01: recovery point" in second
    assert "web-01: Hard disk 1: reading allocated" in answer.errors


def test_under_json_standard_output_is_one_document_with_the_bytes(terminal: Terminal) -> None:
    answer = terminal.call("backup", "web-01", "--json")

    assert answer.status == 0
    (run,) = answer.document["runs"]
    assert run["state"] == "succeeded"
    assert run["request"]["vcenter"] == "main"
    assert run["result"]["total"]["stored"] == 300 * MIB
    assert "error" not in answer.document
    assert answer.document["joined"] == []


def test_a_gap_has_an_exit_status_of_its_own_and_is_named(terminal: Terminal) -> None:
    gap = GapResult("Hard disk 2", ExclusionReason.INDEPENDENT, accepted=False)
    terminal.handler.step = lambda run, *_: RunOutcome(
        RunState.COMPLETED_WITH_GAPS, to_json(result_of(run, gap)).decode()
    )
    answer = terminal.call("backup", "web-01")
    assert answer.status == 10
    assert "NOT in the point: Hard disk 2 (independent)" in answer.output


def test_a_failed_run_ends_the_command_with_its_status_and_remedy(terminal: Terminal) -> None:
    def fail_for_web(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        if run.subject_name == "web-01":
            raise VcenterUnreachableError("vc.example", "no route")
        return back_up(run, progress, cancelled)

    terminal.handler.step = fail_for_web
    answer = terminal.call("backup", "web-01", "db-01")

    assert answer.status == 3
    assert "db-01: recovery point" in answer.output
    assert "error: web-01: vCenter vc.example cannot be reached: no route (KL-2001)" in answer.errors
    assert VcenterUnreachableError.remedy in answer.errors
    assert "Traceback" not in answer.errors


def test_a_failed_run_is_repeated_by_hand_and_followed(terminal: Terminal) -> None:
    def fail(_run: Run, _progress: ProgressSink, _cancelled: threading.Event) -> RunOutcome:
        raise VcenterUnreachableError("vc.example", "no route")

    terminal.handler.step = fail
    (failed,) = terminal.call("backup", "web-01", "--json").document["runs"]
    terminal.handler.step = back_up

    answer = terminal.call("run", "retry", failed["id"], "--json")

    assert answer.status == 0
    (run,) = answer.document["runs"]
    assert (run["state"], run["retry_of"]) == ("succeeded", failed["id"])
    assert f"repeats {failed['id']}" in terminal.call("run", "list").output
    assert terminal.call("run", "retry", failed["id"]).status == 2


def test_a_failed_run_is_an_error_document_too(terminal: Terminal) -> None:
    def fail(_run: Run, _progress: ProgressSink, _cancelled: threading.Event) -> RunOutcome:
        raise VcenterUnreachableError("vc.example", "no route")

    terminal.handler.step = fail
    answer = terminal.call("backup", "web-01", "--json")

    assert answer.status == 3
    error = answer.document["error"]
    assert (error["code"], error["exit_status"]) == ("KL-2001", 3)
    assert answer.document["runs"]


def test_the_request_carries_what_was_accepted(terminal: Terminal) -> None:
    answer = terminal.call(
        "backup",
        "web-01",
        "--accept-missing",
        "Hard disk 2",
        "--accept-missing",
        "Hard disk 3",
        "--full",
        "--consistency",
        "filesystem",
        "--json",
    )
    (run,) = answer.document["runs"]
    assert run["request"]["accepted_disks"] == ["Hard disk 2", "Hard disk 3"]
    assert run["request"]["consistency"] == "filesystem"
    assert run["request"]["full"]


def test_ctrl_c_cancels_the_run_and_waits_for_it(terminal: Terminal) -> None:
    cleaned_up = threading.Event()

    def be_interrupted(_run: Run, _progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        os.kill(os.getpid(), signal.SIGINT)
        assert cancelled.wait(PATIENCE_SECONDS)
        cleaned_up.set()
        raise RunCancelledError("stopped between two disks")

    terminal.handler.step = be_interrupted
    before = signal.getsignal(signal.SIGINT)
    answer = terminal.call("backup", "web-01")

    assert cleaned_up.is_set()
    assert answer.status == RunCancelledError.exit_status
    assert "stopping" in answer.errors
    assert [run.state for run in terminal.desk.runs.page(RunFilter())] == [RunState.CANCELLED]
    assert signal.getsignal(signal.SIGINT) is before


def test_sigterm_is_taken_like_ctrl_c(terminal: Terminal) -> None:
    def be_terminated(_run: Run, _progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        os.kill(os.getpid(), signal.SIGTERM)
        assert cancelled.wait(PATIENCE_SECONDS)
        raise RunCancelledError("stopped")

    terminal.handler.step = be_terminated
    assert terminal.call("backup", "web-01").status == RunCancelledError.exit_status


def test_where_an_engine_runs_the_command_only_follows(terminal: Terminal) -> None:
    requested, lock_held = threading.Event(), threading.Event()

    def be_the_engine() -> None:
        with terminal.lock.held():
            lock_held.set()
            while (run := terminal.desk.run_store.claim_next(terminal.desk.clock.now())) is None:
                requested.wait(0.05)
            outcome = RunOutcome(RunState.SUCCEEDED, to_json(result_of(run)).decode())
            terminal.desk.run_store.finish(run, outcome, terminal.desk.clock.now())

    engine = threading.Thread(target=be_the_engine)
    engine.start()
    assert lock_held.wait(PATIENCE_SECONDS)
    answer = terminal.call("backup", "web-01")
    engine.join()

    assert answer.status == 0
    assert "recovery point" in answer.output
    assert terminal.handler.executed == []


def test_a_command_takes_over_from_an_engine_that_leaves(terminal: Terminal) -> None:
    queued = threading.Event()

    def leave_without_doing_it() -> None:
        with terminal.lock.held():
            lock_held.set()
            while not terminal.desk.runs.page(RunFilter(states=frozenset({RunState.QUEUED}))):
                queued.wait(0.05)

    lock_held = threading.Event()
    engine = threading.Thread(target=leave_without_doing_it)
    engine.start()
    assert lock_held.wait(PATIENCE_SECONDS)
    answer = terminal.call("backup", "web-01")
    engine.join()

    assert answer.status == 0
    assert len(terminal.handler.executed) == 1


def test_a_machine_whose_backup_is_active_is_followed_not_started_twice(terminal: Terminal) -> None:
    started, may_end = threading.Event(), threading.Event()
    answers = []

    def wait(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        started.set()
        assert may_end.wait(PATIENCE_SECONDS)
        return back_up(run, progress, cancelled)

    def ask_again() -> None:
        assert started.wait(PATIENCE_SECONDS)
        answers.append(terminal.desk.backups.request(order))
        may_end.set()

    order = BackupOrder("main", ["web-01"])
    terminal.handler.step = wait
    other = threading.Thread(target=ask_again)
    other.start()
    assert terminal.call("backup", "web-01").status == 0
    other.join()
    assert answers[0][0].joined
    assert len(terminal.handler.executed) == 1


def test_a_disk_restore_and_a_verification_are_followed_too(terminal: Terminal) -> None:
    terminal.desk.catalog.points = [point(1, image(disk()))]
    target = str(terminal.folder / "disk.raw")
    result = RestoreDiskResult(RecoveryPointId("point-001"), "Hard disk 1", target, GIB, GIB)
    terminal.handler.step = lambda *_: RunOutcome(RunState.SUCCEEDED, to_json(result).decode())

    answer = terminal.call("restore", "disk", "point-001", "0", "--to", target)

    assert answer.status == 0
    assert answer.output == f"web: Hard disk 1 of point point-001 is in {target} (1.0 GiB)\n"


def test_an_engine_that_cannot_go_on_ends_the_command_with_its_error(terminal: Terminal) -> None:
    def lose_the_table(run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        terminal.desk.run_store.interrupt(run)  # as another engine would, against the lock
        return back_up(run, progress, cancelled)

    terminal.handler.step = lose_the_table
    answer = terminal.call("backup", "web-01")
    assert (answer.status, "KL-6020" in answer.errors) == (8, True)


def test_a_run_that_no_engine_could_begin_does_not_begin_some_day(terminal: Terminal) -> None:
    terminal.engine_error = RepositoryMissingError("the folder of the repository is gone")
    answer = terminal.call("backup", "web-01")

    assert (answer.status, "KL-4013" in answer.errors) == (5, True)
    assert [run.state for run in terminal.desk.runs.page(RunFilter())] == [RunState.CANCELLED]

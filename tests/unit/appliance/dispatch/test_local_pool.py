from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

from appliance.dispatch import (
    MoverDiedError,
    MoverLimits,
    MoverProtocolError,
    MoverStalledError,
    TaskCancelledError,
)
from appliance.errors import ApplianceError
from appliance.model.disk_tasks import TaskMessage
from appliance.transport import HostPortClosedError
from tests.unit.appliance.dispatch.scripted_movers import (
    PASSWORD,
    cleanup_task,
    hold_task,
    restore_task,
    scripted_pool,
)
from tests.waiting import wait_until

PATIENT = MoverLimits(stall_seconds=60, prepare_seconds=60, grace_seconds=10)
IMPATIENT = MoverLimits(stall_seconds=0.3, prepare_seconds=0.3, grace_seconds=0.2)
RESULT = """say('{"result": {"statistics": {"read": 7}}}')"""
PROGRESS = """say('{"progress": {"disk": "Hard disk 1", "planned": 10, "done": 4}}')"""


def drop(message: TaskMessage) -> None:
    pass


def test_progress_reaches_the_caller_and_the_result_is_returned(tmp_path: Path) -> None:
    heard: list[TaskMessage] = []
    pool = scripted_pool(tmp_path, f'{PROGRESS}\nsay(\'{{"log": "resumed"}}\')\n{RESULT}', PATIENT)

    result = pool.run(restore_task(tmp_path), heard.append, threading.Event())

    assert result.statistics.read == 7
    assert [message.progress.done for message in heard if message.progress] == [4]
    assert [message.log for message in heard if message.log] == ["resumed"]


def test_the_task_is_the_first_line_of_the_movers_input(tmp_path: Path) -> None:
    pool = scripted_pool(tmp_path, f"open({str(tmp_path / 'task')!r}, 'w').write(task)\n{RESULT}", PATIENT)

    pool.run(restore_task(tmp_path), drop, threading.Event())

    task = json.loads((tmp_path / "task").read_text())
    assert task["restore_file"]["disk_label"] == "Hard disk 1"


def test_a_failure_comes_back_as_the_class_that_has_its_code(tmp_path: Path) -> None:
    failure = {"code": "KL-3003", "message": "no port", "remedy": "r", "transient": True, "exit_status": 4}
    pool = scripted_pool(tmp_path, f"say({json.dumps({'failure': failure})!r})", PATIENT)

    with pytest.raises(HostPortClosedError, match="no port"):
        pool.run(restore_task(tmp_path), drop, threading.Event())


def test_a_failure_of_an_unknown_class_keeps_its_facts(tmp_path: Path) -> None:
    failure = {"code": "KL-9999", "message": "odd", "remedy": "r", "transient": True, "exit_status": 42}
    pool = scripted_pool(tmp_path, f"say({json.dumps({'failure': failure})!r})", PATIENT)

    with pytest.raises(ApplianceError, match="odd") as caught:
        pool.run(restore_task(tmp_path), drop, threading.Event())

    error = caught.value
    assert (error.code, error.remedy, error.transient, error.exit_status) == ("KL-9999", "r", True, 42)


def test_a_mover_killed_by_a_signal_is_told_with_the_signals_name(tmp_path: Path) -> None:
    pool = scripted_pool(tmp_path, f"{PROGRESS}\nos.kill(os.getpid(), signal.SIGSEGV)", PATIENT)

    with pytest.raises(MoverDiedError, match=r"Hard disk 1 .* ended by SIGSEGV") as caught:
        pool.run(restore_task(tmp_path), drop, threading.Event())

    assert caught.value.transient


def test_a_mover_that_ends_without_a_result_is_told_with_its_status(tmp_path: Path) -> None:
    pool = scripted_pool(tmp_path, "sys.exit(3)", PATIENT)

    with pytest.raises(MoverDiedError, match="status 3"):
        pool.run(restore_task(tmp_path), drop, threading.Event())


def test_a_mover_that_does_not_read_its_task_is_told_like_one_that_died(tmp_path: Path) -> None:
    pool = scripted_pool(tmp_path, "", PATIENT)
    (tmp_path / "scripted-mover").write_text("#!/bin/sh\nexit 9\n")

    with pytest.raises(MoverDiedError, match="status 9"):
        pool.run(restore_task(tmp_path), drop, threading.Event())


def test_a_silent_mover_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    pool = scripted_pool(
        tmp_path, f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)", IMPATIENT
    )

    with pytest.raises(MoverStalledError, match="said nothing"):
        pool.run(restore_task(tmp_path), drop, threading.Event())

    if pid_file.exists():
        assert not Path(f"/proc/{pid_file.read_text()}").exists()


def test_cancelling_ends_the_mover_even_if_it_ignores_the_end_of_its_input(tmp_path: Path) -> None:
    cancelled = threading.Event()
    pids: list[int] = []

    def cancel(message: TaskMessage) -> None:
        pids.append(int(message.log or 0))
        cancelled.set()

    script = """say('{"log": "%d"}' % os.getpid())\nwhile True: time.sleep(600)"""
    pool = scripted_pool(tmp_path, script, MoverLimits(60, 60, grace_seconds=0.2))

    with pytest.raises(TaskCancelledError, match="Hard disk 1"):
        pool.run(restore_task(tmp_path), cancel, cancelled)

    assert not Path(f"/proc/{pids[0]}").exists()


def test_a_task_that_waits_for_a_place_can_be_cancelled(tmp_path: Path) -> None:
    cancelled, started = threading.Event(), threading.Event()
    pool = scripted_pool(tmp_path, f"{PROGRESS}\nsys.stdin.read()", PATIENT)

    def occupy() -> None:
        with pytest.raises(TaskCancelledError):
            pool.run(restore_task(tmp_path), lambda message: started.set(), cancelled)

    occupant = threading.Thread(target=occupy)
    occupant.start()
    assert started.wait(30)
    at_once = threading.Event()
    at_once.set()

    with pytest.raises(TaskCancelledError, match="waited for a mover"):
        pool.run(restore_task(tmp_path), drop, at_once)

    cancelled.set()
    occupant.join()


def test_output_that_is_no_message_is_a_protocol_error(tmp_path: Path) -> None:
    pool = scripted_pool(tmp_path, "say('hello')", PATIENT)

    with pytest.raises(MoverProtocolError, match="hello"):
        pool.run(restore_task(tmp_path), drop, threading.Event())


def test_last_words_are_logged_without_the_password(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    script = f"print('login with {PASSWORD} refused', file=sys.stderr)\n{RESULT}"
    pool = scripted_pool(tmp_path, script, PATIENT)

    with caplog.at_level(logging.INFO, "appliance.dispatch"):
        pool.cleanup(cleanup_task(tmp_path))

    words = [record.words for record in caplog.records if hasattr(record, "words")]
    assert words == ["login with … refused"]


def test_the_movers_environment_names_vddks_libraries_and_none_of_our_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPLINE_DATABASE_URL", "postgresql://u:secret@h/d")
    script = f"open({str(tmp_path / 'environment')!r}, 'w').write(repr(dict(os.environ)))\n{RESULT}"
    pool = scripted_pool(tmp_path, script, PATIENT)

    pool.cleanup(cleanup_task(tmp_path))

    environment = (tmp_path / "environment").read_text()
    assert f"'LD_LIBRARY_PATH': '{tmp_path}/vddk/lib64'" in environment
    assert "secret" not in environment
    assert PASSWORD not in environment


def test_access_is_held_until_the_context_is_left(tmp_path: Path) -> None:
    released = tmp_path / "released"
    script = (
        'say(\'{"ready": {"warning": "refused"}}\')\n'
        f"order = sys.stdin.readline()\nopen({str(released)!r}, 'w').write(order)\n{RESULT}"
    )
    pool = scripted_pool(tmp_path, script, PATIENT)

    with pool.hold_access(hold_task(tmp_path), threading.Event()) as ready:
        assert ready.warning == "refused"
        assert not released.exists()

    assert released.read_text() == "release\n"


def test_an_access_holder_is_gone_after_an_error_inside_the_context(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\nsay('{{\"ready\": {{}}}}')\nsys.stdin.read()"
    )
    pool = scripted_pool(tmp_path, script, PATIENT)

    with (
        pytest.raises(RuntimeError, match="snapshot"),
        pool.hold_access(hold_task(tmp_path), threading.Event()),
    ):
        raise RuntimeError("snapshot failed")

    assert not Path(f"/proc/{pid_file.read_text()}").exists()


def test_who_waits_for_access_can_be_cancelled_and_no_holder_is_left(tmp_path: Path) -> None:
    pid_file, cancelled = tmp_path / "pid", threading.Event()
    script = f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    pool = scripted_pool(tmp_path, script, MoverLimits(prepare_seconds=600, grace_seconds=0.2))

    def cancel_when_it_waits() -> None:
        wait_until(lambda: pid_file.exists() and pid_file.read_text() != "", "the holder waits")
        cancelled.set()

    canceller = threading.Thread(target=cancel_when_it_waits)
    canceller.start()
    with pytest.raises(TaskCancelledError), pool.hold_access(hold_task(tmp_path), cancelled):
        pass
    canceller.join()

    assert not Path(f"/proc/{pid_file.read_text()}").exists()


def test_an_access_holder_that_dies_before_it_holds_is_an_error(tmp_path: Path) -> None:
    pool = scripted_pool(tmp_path, "sys.exit(1)", PATIENT)

    with pytest.raises(MoverDiedError), pool.hold_access(hold_task(tmp_path), threading.Event()):
        pass


def test_this_process_keeps_no_file_of_a_mover(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    pool = scripted_pool(tmp_path, RESULT, PATIENT)

    pool.run(restore_task(tmp_path), drop, threading.Event())

    assert len(list(Path("/proc/self/fd").iterdir())) == before

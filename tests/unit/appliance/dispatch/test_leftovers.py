from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.clock import SystemClock
from appliance.dispatch import lock_file_of, wait_for_movers_gone

HOLDER = """
import sys, time
from pathlib import Path
from appliance.mover.lock import held_lock
with held_lock(Path(sys.argv[1])):
    print("held", flush=True)
    if sys.argv[2] == "stubborn":
        time.sleep(600)
    sys.stdin.read()
"""


@contextmanager
def lock_holder(path: Path, manner: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), manner], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


def test_no_lock_files_means_nothing_to_wait_for(tmp_path: Path) -> None:
    wait_for_movers_gone(tmp_path, "run-1", SystemClock())


def test_a_mover_that_holds_on_is_killed(tmp_path: Path) -> None:
    path = lock_file_of(tmp_path, "run-1", 1, "disk-2000")

    with lock_holder(path, "stubborn") as process:
        wait_for_movers_gone(tmp_path, "run-1", SystemClock(), grace_seconds=0.2)
        assert process.wait(10) == -9

    assert not path.exists()


def test_a_mover_that_ends_by_itself_is_waited_for(tmp_path: Path) -> None:
    path = lock_file_of(tmp_path, "run-1", 1, "disk-2000")

    with lock_holder(path, "obedient") as process:
        assert process.stdin is not None
        process.stdin.close()
        wait_for_movers_gone(tmp_path, "run-1", SystemClock(), grace_seconds=60)
        assert process.wait(10) == 0


def test_movers_of_other_runs_are_left_alone(tmp_path: Path) -> None:
    other = lock_file_of(tmp_path, "run-2", 1, "disk-2000")

    with lock_holder(other, "stubborn") as process:
        wait_for_movers_gone(tmp_path, "run-1", SystemClock(), grace_seconds=0)
        assert process.poll() is None

    assert other.exists()


@pytest.mark.parametrize("content", ["", "1", "not a number", "999999999"])
def test_a_lock_file_that_nobody_holds_is_removed_and_nobody_killed(tmp_path: Path, content: str) -> None:
    path = lock_file_of(tmp_path, "run-1", 1, "disk-2000")
    path.write_text(content)

    wait_for_movers_gone(tmp_path, "run-1", SystemClock(), grace_seconds=0)

    assert not path.exists()


def test_a_second_mover_of_the_same_attempt_is_refused(tmp_path: Path) -> None:
    path = lock_file_of(tmp_path, "run-1", 1, "disk-2000")

    with lock_holder(path, "obedient"):
        second = subprocess.run(
            [sys.executable, "-c", HOLDER, str(path), "obedient"], capture_output=True, check=False, text=True
        )

    assert second.returncode == 1
    assert "LockHeldError" in second.stderr

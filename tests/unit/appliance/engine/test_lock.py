from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.engine import EngineLock, EngineLockError, EngineRunningError

HOLD = """
import sys
from pathlib import Path
from appliance.engine import EngineLock
with EngineLock(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_only_one_process_is_the_engine_and_says_which(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    lock = EngineLock(tmp_path)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(EngineRunningError, match=str(other.pid)), lock.held():
            pass
        assert lock.holder() == other.pid
        other.kill()
        other.communicate()

    with lock.held():
        assert lock.holder() == os.getpid()
    assert lock.holder() is None


def test_two_threads_of_one_process_are_kept_apart_too(tmp_path: Path) -> None:
    with EngineLock(tmp_path).held(), pytest.raises(EngineRunningError), EngineLock(tmp_path).held():
        pass


def test_a_folder_that_is_missing_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(EngineLockError, match="nowhere"), EngineLock(tmp_path / "nowhere").held():
        pass


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path: Path) -> None:
    assert EngineLock(tmp_path).holder() is None

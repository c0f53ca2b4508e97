"""`make run` without make: engine and console of one appliance, as children of one script."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from appliance.engine import EngineLock
from tests.simulated.cli.shell import COMMAND, descendants_of
from tests.waiting import PATIENCE_SECONDS, wait_until

SCRIPT = Path(__file__).parents[3] / "packaging" / "run.py"


class Appliance:
    """The settings of one appliance that is initialised, and what runs of it."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port: int = found.getsockname()[1]
        self.environment = os.environ | {
            "KEEPLINE_STATE_FOLDER": str(self.state),
            "KEEPLINE_CONSOLE_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }

    def set_up(self) -> None:
        repository = self.state.with_name("repository")
        repository.mkdir()
        command = [*COMMAND, "init", str(repository)]
        subprocess.run(command, env=self.environment, check=True, capture_output=True)

    @contextmanager
    def running(self, *before: str) -> Iterator[subprocess.Popen[str]]:
        """The script at work; whatever is left of it is killed with the context."""
        with subprocess.Popen(
            [*before, sys.executable, str(SCRIPT)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                wait_until(lambda: self.serves() and self.engine(), "engine and console are at work")
                yield process
            finally:
                for each in (process.pid, *descendants_of(process.pid)):
                    end(each)

    def engine(self) -> int | None:
        return EngineLock(self.state).holder()

    def serves(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", "/sign-in")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def end(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def is_gone(process: int) -> bool:
    """Whether it has ended; one that nobody has waited for yet has ended, too."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def appliance(tmp_path: Path) -> Appliance:
    made = Appliance(tmp_path)
    made.set_up()
    return made


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_both_in_good_order(appliance: Appliance, number: signal.Signals) -> None:
    with appliance.running() as script:
        below = descendants_of(script.pid)
        script.send_signal(number)
        output, errors = script.communicate(timeout=PATIENCE_SECONDS)

    assert (script.returncode, "engine stopped" in output) == (0, True), errors
    assert "Traceback" not in errors
    assert [each for each in below if not is_gone(each)] == []
    assert appliance.engine() is None


@pytest.mark.parametrize("victim", ["engine", "console"])
def test_the_end_of_one_is_the_end_of_the_other_and_a_failure(appliance: Appliance, victim: str) -> None:
    with appliance.running() as script:
        below = descendants_of(script.pid)
        end(next(each for each in below if Path(f"/proc/{each}/cmdline").read_text().endswith(f"{victim}\0")))
        _, errors = script.communicate(timeout=PATIENCE_SECONDS)

    assert script.returncode == 1
    assert f"the {victim} has ended with status -9" in errors
    wait_until(lambda: all(is_gone(each) for each in below), "everything is gone")


def test_it_does_not_outlive_whoever_started_it(appliance: Appliance) -> None:
    shell = ["bash", "-c", '"$@" & wait', "bash"]
    with appliance.running(*shell) as started:
        below = descendants_of(started.pid)
        started.kill()
        started.communicate(timeout=PATIENCE_SECONDS)
        wait_until(lambda: all(is_gone(each) for each in below), "everything is gone")

    assert appliance.engine() is None


def test_an_appliance_that_nobody_has_set_up_is_told_how(tmp_path: Path) -> None:
    nothing = Appliance(tmp_path)
    ended = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env=nothing.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert ended.returncode == 2
    for command in ("init", "vcenter add", "console password"):
        assert f"keepline {command}" in ended.stderr
    assert not nothing.state.exists()

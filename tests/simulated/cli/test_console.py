"""The console as a process of its own, under gunicorn."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulated.cli.console_process import Console, serving
from tests.simulated.cli.shell import COMMAND
from tests.waiting import PATIENCE_SECONDS

MIB = 1024 * 1024
MOST_MEMORY = 200 * MIB


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """A console over a new appliance."""
    (tmp_path / "repository").mkdir()
    environment = {"KEEPLINE_STATE_FOLDER": str(tmp_path / "state")}
    command = [*COMMAND, "init", str(tmp_path / "repository")]
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    with serving(environment) as running:
        yield running


def test_it_serves_whoever_signs_in_and_ends_in_order(console: Console) -> None:
    cookie = console.signed_in()
    status, page, _ = console.answer("GET", "/", cookie=cookie)

    assert (status, "Start in three steps" in page) == (200, True)
    console.process.terminate()
    assert console.process.wait(PATIENCE_SECONDS) == 0


def test_its_worker_stays_small(console: Console) -> None:
    cookie = console.signed_in()
    for page in ("/", "/machines", "/runs", "/restores", "/settings"):
        assert console.answer("GET", page, cookie=cookie)[0] == 200
    status = Path(f"/proc/{console.worker()}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))

    assert int(peak.split()[1]) * 1024 < MOST_MEMORY


def test_a_killed_worker_is_replaced_and_nobody_is_signed_out(console: Console) -> None:
    cookie = console.signed_in()
    console.kill_worker()

    assert console.answer("GET", "/", cookie=cookie)[0] == 200
    assert console.answer("GET", "/")[0] == 303


def test_a_console_that_was_started_again_asks_to_sign_in(console: Console, tmp_path: Path) -> None:
    cookie = console.signed_in()
    console.process.terminate()
    assert console.process.wait(PATIENCE_SECONDS) == 0
    with serving({"KEEPLINE_STATE_FOLDER": str(tmp_path / "state")}) as another:
        assert another.answer("GET", "/", cookie=cookie)[0] == 303

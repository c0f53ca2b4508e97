"""The console as a process of its own, under gunicorn."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.simulated.cli.shell import COMMAND

PASSWORD = "four words make one"
WAIT_SECONDS = 60.0
MIB = 1024 * 1024
MOST_MEMORY = 200 * MIB


def keepline(folder: Path, *words: str, given: str = "") -> None:
    command = [*COMMAND, *words]
    subprocess.run(command, env=environment(folder), input=given, text=True, check=True, capture_output=True)


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "KEEPLINE_STATE_FOLDER": str(folder / "state"), "PYTHONUNBUFFERED": "1"}


class Console:
    """A running `keepline console`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def answer(self, method: str, path: str, body: str = "", cookie: str = "") -> tuple[int, str, str]:
        """Status, body, and the cookie that was set."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            given = answer.getheader("Set-Cookie") or ""
            return answer.status, answer.read().decode(), given.partition(";")[0]
        finally:
            connection.close()

    def wait_until_it_answers(self) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            try:
                if self.answer("GET", "/sign-in")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the console does not answer")

    def worker(self) -> int:
        """The process that serves."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0])

    def signed_in(self) -> str:
        """The cookie of a new session."""
        status, _, cookie = self.answer("POST", "/sign-in", urlencode({"password": PASSWORD}))
        assert status == 303
        return cookie


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """A console over a new appliance, on a free loopback port."""
    (tmp_path / "repository").mkdir()
    keepline(tmp_path, "init", str(tmp_path / "repository"))
    keepline(tmp_path, "console", "password", "--password-file", "-", given=f"{PASSWORD}\n")
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [*COMMAND, "console", "--port", str(port)]
    with subprocess.Popen(command, env=environment(tmp_path), stderr=subprocess.PIPE, text=True) as process:
        running = Console(process, port)
        try:
            running.wait_until_it_answers()
            yield running
        finally:
            process.terminate()
            process.communicate(timeout=WAIT_SECONDS)


def test_it_serves_whoever_signs_in_and_ends_in_order(console: Console) -> None:
    cookie = console.signed_in()
    status, page, _ = console.answer("GET", "/", cookie=cookie)

    assert (status, "Start in three steps" in page) == (200, True)
    console.process.terminate()
    assert console.process.wait(WAIT_SECONDS) == 0


def test_its_worker_stays_small(console: Console) -> None:
    cookie = console.signed_in()
    for page in ("/", "/machines", "/runs", "/restores", "/settings"):
        assert console.answer("GET", page, cookie=cookie)[0] == 200
    status = Path(f"/proc/{console.worker()}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))

    assert int(peak.split()[1]) * 1024 < MOST_MEMORY


def test_a_killed_worker_is_replaced_and_asks_to_sign_in_again(console: Console) -> None:
    cookie = console.signed_in()
    killed = console.worker()
    os.kill(killed, signal.SIGKILL)
    end = time.monotonic() + WAIT_SECONDS
    while Path(f"/proc/{killed}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    console.wait_until_it_answers()

    assert console.answer("GET", "/", cookie=cookie)[0] == 303
    assert console.answer("GET", "/", cookie=console.signed_in())[0] == 200

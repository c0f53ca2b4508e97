"""`keepline console` as a process of its own, and somebody who speaks HTTP to it."""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

from tests.simulated.cli.shell import COMMAND
from tests.waiting import PATIENCE_SECONDS, wait_until

PASSWORD = "four words make one"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Console:
    """A running `keepline console`: a master, and the worker that serves."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    @property
    def address(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, method: str, path: str, body: str = "", cookie: str = "") -> tuple[int, str, str]:
        """Status, body, and the cookie that was set."""
        connection = self.asked(method, path, body, cookie)
        try:
            answer = connection.getresponse()
            given = answer.getheader("Set-Cookie") or ""
            return answer.status, answer.read().decode(), given.partition(";")[0]
        finally:
            connection.close()

    def asked(self, method: str, path: str, body: str = "", cookie: str = "") -> HTTPConnection:
        """A request that was sent and whose answer nobody has read; to be closed by the caller."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        connection.request(method, path, body, headers)
        return connection

    def fields(self, path: str, cookie: str) -> dict[str, str]:
        """The hidden fields of the forms of a page."""
        status, page, _ = self.answer("GET", path, cookie=cookie)
        assert status == 200, page
        return {name: html.unescape(value) for name, value in HIDDEN.findall(page)}

    def wait_until_it_answers(self) -> None:
        """Return when somebody serves."""
        wait_until(self._answers, "the console answers")

    def workers(self) -> list[int]:
        """The processes that serve: one, or none while it is replaced."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(text) for text in children.split()]

    def worker(self) -> int:
        """The process that serves."""
        wait_until(self.workers, "the console has a worker")
        return self.workers()[0]

    def kill_worker(self) -> None:
        """kill -9 of the worker; return when another one serves."""
        killed = self.worker()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: self.workers() and killed not in self.workers(), "the worker is replaced")
        self.wait_until_it_answers()

    def signed_in(self) -> str:
        """The cookie of a new session."""
        status, _, cookie = self.answer("POST", "/sign-in", urlencode({"password": PASSWORD}))
        assert status == 303
        return cookie

    def _answers(self) -> bool:
        with suppress(OSError, HTTPException):
            return self.answer("GET", "/sign-in")[0] == 200
        return False


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[Console]:
    """A console with its password set, on a free loopback port, until the context ends."""
    values = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
    subprocess.run(
        [*COMMAND, "console", "password", "--password-file", "-"],
        env=values, input=f"{PASSWORD}\n", text=True, check=True, capture_output=True,
    )  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [*COMMAND, "console", "--port", str(port)]
    with subprocess.Popen(command, env=values, stderr=subprocess.DEVNULL, text=True) as process:
        running = Console(process, port)
        try:
            running.wait_until_it_answers()
            yield running
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)

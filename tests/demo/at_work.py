"""The end of the demo: engine and console at work over the laboratory, to be watched or to be checked."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

from command_line import DemoFailedError, Keepline, say

RUN = Path(__file__).parents[2] / "packaging" / "run.py"
Found = TypeVar("Found")
CONSOLE_PORT = 8480
POLICY = "each-minute"
PATIENCE_SECONDS = 180
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class AtWork:
    """An appliance whose engine and console run."""

    keepline: Keepline
    process: subprocess.Popen[bytes]
    port: int
    password: str

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://127.0.0.1:{self.port}/"

    def answer(self, method: str, path: str, body: str = "", cookie: str = "") -> tuple[int, str, str]:
        """The console's status, its page, and the cookie it has set.

        Raises:
            OSError: it does not answer.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            given = answer.getheader("Set-Cookie") or ""
            return answer.status, answer.read().decode(), given.partition(";")[0]
        finally:
            connection.close()

    def serves(self) -> bool:
        """Whether the console answers."""
        try:
            return self.answer("GET", "/sign-in")[0] == 200
        except OSError:
            return False

    def wait_for(self, look: Callable[[], Found], what: str) -> Found:
        """What `look` finds, when it finds something.

        Raises:
            DemoFailedError: it never does, or the appliance has ended.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := look()):
            if self.process.poll() is not None:
                raise DemoFailedError(f"the appliance ended with status {self.process.returncode}")
            if time.monotonic() > deadline:
                raise DemoFailedError(f"waited {PATIENCE_SECONDS} s in vain: {what}")
            time.sleep(LOOK_SECONDS)
        return found


@contextmanager
def at_work(keepline: Keepline) -> Iterator[AtWork]:
    """`make run` over this appliance, with a new password for its console; both end with the context."""
    port, password = free_port(), secrets.token_urlsafe(12)
    keepline.run("console", "password", "--password-file", "-", password=f"{password}\n")
    environment = keepline.environment | {"KEEPLINE_CONSOLE_PORT": str(port)}
    with subprocess.Popen([sys.executable, RUN], env=environment, stdin=subprocess.DEVNULL) as process:
        try:
            running = AtWork(keepline, process, port, password)
            running.wait_for(running.serves, "the console answers")
            yield running
        finally:
            process.terminate()
            process.wait()
    if process.returncode:
        raise DemoFailedError(f"engine and console ended with status {process.returncode}")


def free_port() -> int:
    """The console's usual port where nobody else has it, else any."""
    for port in (CONSOLE_PORT, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as found:
                number: int = found.getsockname()[1]
                return number
        except OSError:
            continue
    raise DemoFailedError("there is no free port")


def check(running: AtWork, machine: str) -> None:
    """Prove that the console lets its administrator in, and that the policy backs `machine` up by itself.

    Raises:
        DemoFailedError: it is not so.
    """
    status, _, cookie = running.answer("POST", "/sign-in", urlencode({"password": running.password}))
    if status != 303:
        raise DemoFailedError(f"the console answers a sign-in with {status}")
    run = running.wait_for(lambda: first_run(running.keepline), "the policy starts a run")
    state = running.wait_for(lambda: end_of(running.keepline, run), f"run {run} ends")
    if state != "succeeded":
        raise DemoFailedError(f"run {run} of policy {POLICY} ended as {state}")
    status, page, _ = running.answer("GET", f"/runs/{run}", cookie=cookie)
    if status != 200 or machine not in page:
        raise DemoFailedError(f"the console does not show run {run}: it answers {status}")
    say(f"   policy {POLICY} backed {machine} up by itself, and the console shows it: run {run}")


def first_run(keepline: Keepline) -> str:
    """The first run that the policy has started, or nothing."""
    firings = keepline.run("policy", "show", POLICY)["firings"]
    return min((run for firing in firings for run in firing["runs"]), default="")


def end_of(keepline: Keepline, run: str) -> str:
    """The state that a run has ended in, or nothing while it has not."""
    state: str = keepline.run("run", "show", run)["run"]["state"]
    return "" if state in {"queued", "running"} else state

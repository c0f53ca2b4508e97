"""`make measure-console`: the console and the planner with 10,000 machines; prints a table, asserts nothing.

The console is the real one, under gunicorn with one worker, over services whose vCenter is in memory. Paint
times are Chromium's own, over loopback; each page is opened anew several times, the first time with an empty
cache. The planner's seconds are processor time, which neighbours on the machine change less than time itself.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from appliance.model.policies import Selection
from appliance.scheduling import due_runs
from appliance.services import ConsoleServices
from tests.browser.chromium import FLAGS, find_chromium
from tests.fakes.console import PASSWORD
from tests.fakes.console_estate import filled_console, many_machines
from tests.fakes.policies import machines, policy
from web.server import serve

MACHINES = 10_000
POLICIES = 50
TIMES = 7
PATIENCE_SECONDS = 120
PAGES = ("/", "/machines", "/machines?rows=100", "/machines?rows=250", "/machines?q=server-04", "/runs")
PAINT = """() => new Promise(resolve => {
    const found = () => performance.getEntriesByName('first-contentful-paint')[0];
    const look = () => found() ? resolve(found().startTime) : requestAnimationFrame(look);
    look();
})"""


@dataclass(slots=True)
class PageFigures:
    """What one page costs; paints in milliseconds, the first one with an empty cache."""

    path: str
    nodes: int = 0
    html: int = 0
    paints: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        """One line of the table."""
        paint = statistics.median(self.paints[1:])
        return f"{self.path:28} {self.nodes:6} {self.html / 1024:8.1f} {self.paints[0]:10.0f} {paint:10.0f}"


def main() -> None:
    """Measure and print."""
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before")
    print(f"planner, {MACHINES} machines x {POLICIES} policies: {planner_seconds():.2f} s")
    with tempfile.TemporaryDirectory() as folder, console_process(Path(folder)) as (process, address):
        print(f"\n{'page':28} {'nodes':>6} {'KiB':>8} {'first, ms':>10} {'again, ms':>10}")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
            for path in PAGES:
                print(figures_of(browser, address, path))
            browser.close()
        print(f"\nthe console's worker: {worker_memory(process) / 1024:.0f} MiB at its peak")


def planner_seconds() -> float:
    """The median time of one plan in which every policy is due and each machine is in two of them."""
    estate = machines(*(f"server-{number:05}" for number in range(MACHINES)))
    policies = [
        policy(
            f"p{n}",
            f"{n} 2 * * *",
            selection=Selection(names=(f"server-*{n % 25:02}", f"server-*{n % 25 + 25}")),
        )
        for n in range(POLICIES)
    ]
    taken = []
    for _ in range(TIMES):
        begun = time.process_time()
        plan = due_runs(policies, set(), {"main": estate}, datetime(2026, 3, 18, 12, tzinfo=UTC))
        taken.append(time.process_time() - begun)
    print(f"  {len(plan.settled)} due times, {len(plan.runs)} runs")
    return statistics.median(taken)


def figures_of(browser: Browser, address: str, path: str) -> PageFigures:
    """Open a page several times in a window whose cache is empty at first."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    sign_in(page, address)
    forget_cache(page)
    figures = PageFigures(path)
    for _ in range(TIMES):
        answer = page.goto(address + path)
        figures.paints.append(page.evaluate(PAINT))
        figures.html = len(answer.body()) if answer else 0
        figures.nodes = page.evaluate("document.querySelectorAll('*').length")
    context.close()
    return figures


def sign_in(page: Page, address: str) -> None:
    """Sign in by the form."""
    page.goto(f"{address}/sign-in?next=/settings")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(f"{address}/settings")


def forget_cache(page: Page) -> None:
    """Empty the browser's cache; the cookie stays."""
    session = page.context.new_cdp_session(page)
    session.send("Network.clearBrowserCache")
    session.detach()


@contextmanager
def console_process(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The console in a process of its own, its estate read; and its address."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [sys.executable, __file__, "--serve", str(folder), str(port)]
    with subprocess.Popen(command) as process:
        try:
            wait_until_it_answers(port)
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)


def wait_until_it_answers(port: int) -> None:
    """Return when the worker serves.

    Raises:
        TimeoutError: it does not.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", "/sign-in")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
        finally:
            connection.close()
    raise TimeoutError("the console does not answer")


def worker_memory(process: subprocess.Popen[bytes]) -> int:
    """The worker's largest resident memory in KiB."""
    (worker, *_) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    status = Path(f"/proc/{worker}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1])


def serve_many(folder: Path, port: int) -> None:
    """Be the console."""

    @contextmanager
    def opened() -> Iterator[ConsoleServices]:
        with filled_console(folder) as console:
            many_machines(console, MACHINES)
            yield console.services

    serve(opened, "127.0.0.1", port)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve_many(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.browser.person import CHROMIUM, OpenConsole, Person
from tests.fakes.console import ConsoleDesk
from tests.fakes.console_estate import filled_console
from web import create_app


class Quiet(WSGIRequestHandler):
    """Says nothing about requests."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        del type, message, args


@contextmanager
def served(console: ConsoleDesk) -> Iterator[str]:
    """The console on a free loopback port."""
    server = make_server("127.0.0.1", 0, create_app(console.services), threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, name="console")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without any of its calls home."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(Person.FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleDesk]:
    """An appliance with machines in every state."""
    with filled_console(tmp_path) as filled:
        yield filled


@pytest.fixture
def address(console: ConsoleDesk) -> Iterator[str]:
    """Where its console is served."""
    with served(console) as found:
        yield found


@pytest.fixture
def open_console(chromium: Browser, address: str) -> Iterator[OpenConsole]:
    """Open a window on the console; at the end each must have been quiet and stayed at home."""
    people: list[Person] = []

    def open_window(**options: object) -> Person:
        person = Person(chromium, address, options)
        people.append(person)
        return person

    yield open_window
    for person in people:
        person.leave()
    assert [complaint for person in people for complaint in person.complaints] == []


@pytest.fixture
def person(open_console: OpenConsole) -> Person:
    """Somebody who is signed in, in a window of 1440 pixels."""
    found = open_console()
    found.sign_in()
    return found

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.person import OpenConsole, Person
from tests.browser.server import served
from tests.fakes.console import ConsoleDesk
from tests.fakes.console_estate import filled_console


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """This machine's Chromium, without any of its calls home."""
    path = find_chromium()
    assert path, "no Chromium here that runs"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
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

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.browser import Browser
from tests.fakes.console import ConsoleDesk
from tests.fakes.console_estate import empty_console, filled_console
from web import create_app


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleDesk]:
    """An appliance with machines in every state, points and runs."""
    with filled_console(tmp_path) as filled:
        yield filled


@pytest.fixture
def stranger(console: ConsoleDesk) -> Browser:
    """A browser that is not signed in."""
    return Browser(create_app(console.services).test_client())


@pytest.fixture
def browser(stranger: Browser) -> Browser:
    """A browser that is signed in."""
    assert stranger.sign_in().status_code == 303
    return stranger


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that is signed in and only looks: one for all tests of a module."""
    with filled_console(tmp_path_factory.mktemp("console")) as filled:
        found = Browser(create_app(filled.services).test_client())
        found.sign_in()
        yield found


@pytest.fixture(scope="module")
def outsider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that is not signed in and never will be: one for all tests of a module."""
    with filled_console(tmp_path_factory.mktemp("console")) as filled:
        yield Browser(create_app(filled.services).test_client())


@pytest.fixture
def new_browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser that is signed in at an appliance without anything."""
    with empty_console(tmp_path) as empty:
        found = Browser(create_app(empty.services).test_client())
        found.sign_in()
        yield found

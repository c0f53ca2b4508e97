"""What somebody sees and can do while something else is away. Nothing that was entered is lost."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.model.runs import RunKind
from appliance.services import RunFilter
from appliance.state.database import DATABASE_FILE
from tests.fakes.browser import Browser
from tests.fakes.console import ConsoleDesk
from tests.fakes.console_estate import filled_console, machine_key
from web import create_app

SQL = machine_key(3)
POINT = "20260318T020400Z-00030001"
PLAN = {"point": POINT, "target": "machine", "vcenter": "main", "name": "copy"}


@pytest.fixture
def hurried(tmp_path: Path) -> Iterator[Browser]:
    """A browser that is signed in at a console that waits for its database for a moment only."""
    with filled_console(tmp_path, busy_timeout_seconds=0.01) as console:
        found = Browser(create_app(console.services).test_client())
        found.sign_in()
        found.csrf()
        yield found


def restores_of(console: ConsoleDesk) -> list[str]:
    kinds = frozenset({RunKind.RESTORE_MACHINE})
    return [run.subject_name for run in console.services.runs.page(RunFilter(kinds=kinds))]


def again(browser: Browser, page: str) -> str:
    """Send the form of a failed page once more, as its button does; where it leads."""
    form = page[page.index('<form action="', page.index("<main")) :]
    action = re.match(r'<form action="([^"]+)"', form)
    assert action
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(unescape(value))
    answer = browser.client.post(unescape(action[1]), data=fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


@contextmanager
def pragma(console: ConsoleDesk, name: str, value: int, afterwards: int) -> Iterator[None]:
    """Set something of the one connection that this thread uses; permission bits would not stop root."""
    for each in (value, afterwards):
        with console.desk.database.reading() as session:
            session.execute(text(f"PRAGMA {name} = {each}"))
        if each == value:
            yield


def test_a_busy_database_is_read_all_the_same_and_the_form_is_kept(hurried: Browser, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for page in ("/", "/machines", f"/machines/{SQL}", "/runs", f"/restores/new?point={POINT}"):
            hurried.text(page)
        answer = hurried.post("/machines/backups", machine=[machine_key(4), machine_key(5)])
        assert (answer.status_code, "KL-6011" in answer.text) == (503, True)
        assert "What you asked for is kept" in answer.text
        other.execute("ROLLBACK")

    assert again(hurried, answer.text) == "/runs"
    assert "2 backups queued." in hurried.text("/runs")


@pytest.mark.parametrize(
    ("name", "value", "afterwards", "code"),
    [("query_only", 1, 0, "KL-6012"), ("max_page_count", 1, 2**30, "KL-6013")],
)
def test_a_database_that_cannot_be_written_is_one_message_and_the_form_is_kept(
    console: ConsoleDesk, browser: Browser, name: str, value: int, afterwards: int, code: str
) -> None:
    wanted = {**PLAN, "name": "copy" * 5000}  # too long for the room that is left in a page
    plan = browser.client.get("/restores/plan", query_string=wanted).text
    digest = plan.partition('name="digest" value="')[2][:64]
    token = browser.csrf()
    with pragma(console, name, value, afterwards):
        assert browser.get("/").status_code == 200
        answer = browser.client.post("/restores", data={**wanted, "digest": digest, "csrf": token})
        assert (answer.status_code, code in answer.text) == (503, True)
        assert restores_of(console) == []

    assert again(browser, answer.text).startswith("/runs/")
    assert restores_of(console) == ["copy" * 5000]


def test_a_vcenter_that_is_away_keeps_the_request_and_greys_its_machines(
    console: ConsoleDesk, browser: Browser
) -> None:
    password, console.desk.gateway.password = console.desk.gateway.password, "changed"
    console.services.estate.refresh()
    answer = browser.post(f"/machines/{machine_key(4)}/backups")
    assert (answer.status_code, "KL-2003" in answer.text) == (502, True)
    assert "class=stale" in browser.text("/machines")
    assert "group stale" in browser.text("/")
    assert "vCenter main cannot be read" in browser.text(f"/machines/{SQL}")
    page = browser.text(f"/restores/new?point={POINT}")
    assert "main does not answer since 18 Mar 11:52 UTC" in page
    assert "As it was: ssd-1" in page

    console.desk.gateway.password = password
    assert again(browser, answer.text).startswith("/runs/")


def test_a_repository_that_is_away_leaves_the_console_usable(console: ConsoleDesk, browser: Browser) -> None:
    console.index.fails = True
    console.services.estate.refresh()

    assert "The repository cannot be read since 18 Mar 11:52 UTC" in browser.text("/")
    assert "sql-prod-02" in browser.text("/machines")
    page = browser.text(f"/machines/{SQL}")
    assert "KL-4013" in page
    assert "of 14 points was of" in page
    assert "Back up now" in page


def test_a_form_with_a_password_is_not_kept(hurried: Browser, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = hurried.post("/settings/vcenters/main/removal", password="a secret")

    assert answer.status_code == 503
    assert "a secret" not in answer.text
    assert 'id="again"' not in answer.text


def test_a_mistake_of_the_person_is_not_offered_again(browser: Browser) -> None:
    assert 'id="again"' not in browser.post("/machines/backups").text

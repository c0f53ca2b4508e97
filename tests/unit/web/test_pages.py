from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests.fakes.browser import Browser
from tests.fakes.console import ConsoleDesk
from tests.fakes.console_estate import machine_key, many_machines
from web.headers import POLICY

TEMPLATES = Path(__file__).parents[3] / "web" / "templates"
SQL = machine_key(3)
POINT = "20260318T020400Z-00030001"
PAGES = (
    "/",
    "/machines",
    "/machines?q=nothing",
    f"/machines/{SQL}",
    f"/machines/{SQL}?day=2026-03-14",
    f"/machines/{SQL}?month=2025-01",
    f"/machines/{machine_key(7)}",
    "/machines/vcenter-uuid.machine-uuid-gone",
    "/machines/hits?q=sql",
    "/runs",
    "/runs?kind=verify",
    "/restores",
    f"/restores/new?point={POINT}",
    f"/restores/plan?point={POINT}&target=machine&vcenter=main&name=copy",
    "/settings",
    "/settings/notifier",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_keeps_to_its_own_policy(reader: Browser, page: str) -> None:
    answer = reader.get(page)

    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", answer.text)
    assert not re.search(r'(src|href|action)="(https?:)?//', answer.text)


def test_the_policy_allows_nothing_unsafe_and_nobody_else() -> None:
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert POLICY.startswith("default-src 'none'")


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_gets_around_the_escaping(template: Path) -> None:
    assert not re.search(r"\|\s*safe|autoescape|style=|\son[a-z]+=", template.read_text())


def test_text_from_vcenter_is_text(console: ConsoleDesk, browser: Browser) -> None:
    many_machines(console, 1)
    evil = console.desk.gateway.inventory[0]
    console.desk.gateway.inventory = [replace(evil, name='<img src=x onerror="alert(1)">')]
    console.services.estate.refresh()

    assert "<img" not in browser.text("/machines")
    assert "&lt;img" in browser.text("/machines")


def test_an_appliance_without_anything_shows_the_way(new_browser: Browser) -> None:
    assert "Start in three steps" in new_browser.text("/")
    assert "No vCenter yet" in new_browser.text("/machines")
    assert "No run yet" in new_browser.text("/runs")
    assert "Nothing to restore" in new_browser.text("/restores")
    assert "Add repository" in new_browser.text("/settings")


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ("/runs/nothing", "KL-1090"),
        ("/machines/nothing", "KL-1208"),
        ("/points/nothing", "KL-1401"),
        ("/restores/new?point=nothing", "KL-1401"),
        ("/nowhere", "HTTP 404"),
    ],
)
def test_what_is_not_there_is_said_with_a_code(reader: Browser, page: str, code: str) -> None:
    answer = reader.get(page)

    assert answer.status_code == 404
    assert code in answer.text


def test_ten_thousand_machines_are_a_short_page(console: ConsoleDesk, browser: Browser) -> None:
    many_machines(console, 10_000)
    page = browser.text("/machines?rows=100&page=37")

    assert "server-03600" in page
    assert "of 10,0" in page
    assert page.count("<") // 2 < 6000
    assert len(page) < 200_000


def test_a_map_of_ten_thousand_machines_is_folded_and_opened_on_demand(
    console: ConsoleDesk, browser: Browser
) -> None:
    many_machines(console, 10_000)
    folded = browser.text("/")
    assert 'title="server-' not in folded
    assert "250 never backed up" in folded
    opened = browser.text("/?open=main%7C%2FParis%2Fhost%2FCluster+07")
    assert opened.count('title="server-') == 250
    assert 'hx-get="/dashboard/live?open=main' in opened
    alone = [replace(each, cluster="/Paris/host/One") for each in console.desk.gateway.inventory]
    console.desk.gateway.inventory = alone
    console.services.estate.refresh()
    crowded = browser.text("/?open=main%7C%2FParis%2Fhost%2FOne")
    assert "that need a hand most" in crowded
    for page in (folded, opened, crowded):
        assert page.count("<") // 2 < 6000
        assert len(page) < 200_000


@pytest.mark.parametrize("page", ["/", "/machines", "/runs", f"/machines/{SQL}"])
def test_more_machines_do_not_mean_more_questions_to_the_database(
    console: ConsoleDesk, browser: Browser, page: str
) -> None:
    with statements() as few:
        browser.text(page)
    inventory = console.desk.gateway.inventory
    many_machines(console, 300)
    console.desk.gateway.inventory += inventory
    console.services.estate.refresh()
    with statements() as many:
        browser.text(page)

    assert 0 < len(many) == len(few) < 20


@contextmanager
def statements() -> Iterator[list[str]]:
    """What the database is asked for meanwhile."""
    asked: list[str] = []

    def note(*called: object) -> None:
        asked.append(str(called[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_a_list_asks_no_vcenter(console: ConsoleDesk, browser: Browser) -> None:
    log_ins = len(console.desk.gateway.addresses)
    for page in ("/", "/machines", "/machines?q=web", f"/machines/{SQL}", "/runs"):
        browser.text(page)

    assert len(console.desk.gateway.addresses) == log_ins


def test_a_vcenter_that_is_away_leaves_the_console_usable(console: ConsoleDesk, browser: Browser) -> None:
    console.desk.gateway.password = "changed"
    console.services.estate.refresh()

    assert "main cannot be read since 18 Mar 11:52 UTC" in browser.text("/")
    page = browser.text("/machines")
    assert "KL-2003" in page
    assert "sql-prod-02" in page
    assert browser.get(f"/restores/new?point={POINT}").status_code == 200


def test_every_machine_but_templates_is_listed_with_its_state(reader: Browser) -> None:
    page = reader.text("/machines")

    for words in (
        "sql-prod-01",
        "Protected",
        "Late",
        "Last backup failed",
        "Never backed up",
        "Not in vCenter",
    ):
        assert words in page


def test_the_filter_is_in_the_address(reader: Browser) -> None:
    page = reader.text("/machines?q=prod+office&state=late")

    assert "files-emea" not in page
    page = reader.text("/machines?q=office&state=late")
    assert "files-emea" in page
    assert "mail-01" not in page


@pytest.mark.parametrize(
    "query", ["page=0", "page=-3", "page=x", "rows=7", "rows=x", "state=evil", "q=%00%ff"]
)
def test_nonsense_in_an_address_is_a_page_all_the_same(reader: Browser, query: str) -> None:
    assert reader.get(f"/machines?{query}").status_code == 200
    assert reader.get(f"/runs?{query}&kind=x&group=y").status_code == 200
    assert reader.get(f"/machines/{SQL}?day=x&month=0001-01&point=y").status_code == 200


def test_the_calendar_opens_the_point_of_a_day(reader: Browser) -> None:
    page = reader.text(f"/machines/{SQL}?day=2026-03-14")

    assert "Saturday 14 March 2026" in page
    assert "Crash: as after a power cut" in page
    assert "20260314T020400Z-00030005" in page


def test_a_day_without_a_point_says_so(reader: Browser) -> None:
    page = reader.text(f"/machines/{SQL}?day=2026-03-01")

    assert "No recovery point on this day" in page


def test_a_link_to_a_point_opens_it(reader: Browser) -> None:
    answer = reader.get(f"/points/{POINT}")

    assert answer.headers["Location"] == f"/machines/{SQL}?day=2026-03-18&point={POINT}"


def test_the_search_field_offers_restore_at_once(reader: Browser) -> None:
    page = reader.text("/machines/hits?q=sql-prod-02")

    assert f"/restores/new?point={POINT}" in page
    assert "No machine matches" in reader.text("/machines/hits?q=nothing")
    assert not reader.text("/machines/hits?q=").strip()

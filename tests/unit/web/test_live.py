from __future__ import annotations

import re
from dataclasses import replace

from appliance.model.disk_progress import DiskProgress
from appliance.model.runs import RunFailure, RunKind, RunProgress, RunState
from appliance.model.units import GIB
from appliance.services import RunFilter
from tests.fakes.browser import Browser
from tests.fakes.console import ConsoleDesk

LIVE = {"HX-Request": "true"}


def running(console: ConsoleDesk) -> str:
    (run,) = console.services.runs.page(RunFilter(states=frozenset({RunState.RUNNING})))
    return run.id


def address_of(page: str) -> str:
    """Where the page's live part asks for the next one."""
    found = re.search(r'hx-get="(/[^"]*seen=[^"]*)"', page)
    assert found
    return found[1].replace("&amp;", "&")


def test_a_run_shows_phases_disks_speed_time_left_and_log(console: ConsoleDesk, browser: Browser) -> None:
    page = browser.text(f"/runs/{running(console)}")

    for words in ("41 %", "Hard disk 2", "MiB/s", "left", "Remove snapshot", "read again after a time-out"):
        assert words in page


def test_what_has_not_changed_costs_nothing(console: ConsoleDesk, browser: Browser) -> None:
    for page in ("/", "/runs", f"/runs/{running(console)}"):
        assert browser.get(address_of(browser.text(page)), **LIVE).status_code == 204


def test_what_has_changed_comes_as_a_part(console: ConsoleDesk, browser: Browser) -> None:
    run = console.services.runs.find(running(console))
    address = address_of(browser.text(f"/runs/{run.id}"))
    console.desk.run_store.save_progress(run, "commit", RunProgress((DiskProgress("Hard disk 1", GIB, GIB),)))
    part = browser.get(address, **LIVE)

    assert part.status_code == 200
    assert "100 %" in part.text
    assert "<html" not in part.text
    assert browser.get(address_of(part.text), **LIVE).status_code == 204


def test_an_ended_run_asks_no_more(console: ConsoleDesk, browser: Browser) -> None:
    run = console.services.runs.find(running(console))
    failure = RunFailure("KL-2011", "another task is in the way", "Wait for it.", 3)
    console.desk.run_store.end_with(run, RunState.FAILED, failure, console.desk.clock.now())
    page = browser.text(f"/runs/{run.id}")

    assert "another task is in the way" in page
    assert "KL-2011" in page
    assert "seen=" not in page


def test_a_backup_says_what_each_disk_cost_and_why(console: ConsoleDesk, browser: Browser) -> None:
    (run,) = console.services.runs.page(RunFilter(states=frozenset({RunState.SUCCEEDED})))
    page = browser.text(f"/runs/{run.id}")

    assert "change tracking names it" in page
    assert "hotadd" in page


def test_a_queue_without_an_engine_says_so(console: ConsoleDesk, browser: Browser) -> None:
    (queued,) = console.services.runs.page(RunFilter(kinds=frozenset({RunKind.RESTORE_DISK})))
    assert "No engine is running" in browser.text(f"/runs/{queued.id}")

    console.engine = 1
    assert "No engine is running" not in browser.text(f"/runs/{queued.id}")
    assert "No engine is running" not in browser.text("/")


def test_a_live_part_that_fails_says_so_in_a_line(browser: Browser) -> None:
    answer = browser.get("/runs/nothing/live", **LIVE)

    assert (answer.status_code, "<html" in answer.text) == (404, False)


def test_runs_are_paged_by_the_last_one_shown(console: ConsoleDesk, browser: Browser) -> None:
    (run,) = console.services.runs.page(RunFilter(states=frozenset({RunState.SUCCEEDED})))
    for number in range(60):
        again = replace(
            run, id=f"{run.id}-{number:02}", kind=RunKind.VERIFY, requested_at=console.desk.clock.now()
        )
        console.desk.run_store.request(again)
        console.desk.clock.sleep(1)
    first = browser.text("/runs")
    earlier = re.search(r'id="earlier"[^>]*href="([^"]+)"', first)
    assert earlier

    assert first.count("<tr><td>") == 50
    assert "Newest" in browser.text(earlier[1])

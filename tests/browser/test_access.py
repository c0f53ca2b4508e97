"""What axe finds, what a narrow window does, and where Tab goes: on every page, in both themes."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.services import RunFilter
from tests.browser.person import OpenConsole, Person
from tests.fakes.console import ConsoleDesk
from tests.fakes.console_estate import machine_key

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
POINT = "20260318T020400Z-00030001"
PLAN = f"/restores/plan?point={POINT}&target=machine&vcenter=main"


def pages_of(console: ConsoleDesk) -> list[str]:
    runs = [f"/runs/{run.id}" for run in console.services.runs.page(RunFilter())]
    machines = [f"/machines/{machine_key(number)}" for number in (3, 4, 7)]
    return [
        "/",
        "/machines",
        "/machines?q=nothing",
        *machines,
        "/runs",
        *runs[:4],
        "/restores",
        f"/restores/new?point={POINT}",
        f"/restores/new?point={POINT}&target=file",
        f"{PLAN}&name=copy",
        f"{PLAN}&name=sql-prod-02",
        "/settings",
        "/nowhere",
    ]


def test_axe_finds_nothing_serious_in_either_theme_and_width(
    console: ConsoleDesk, open_console: OpenConsole
) -> None:
    person = open_console(bypass_csp=True, reduced_motion="reduce")
    person.open("/sign-in")
    found = violations(person, "/sign-in")
    person.sign_in()
    for path in pages_of(console):
        person.open(path)
        found += violations(person, path)
    person.complaints = [each for each in person.complaints if "404" not in each]

    assert found == []


def violations(person: Person, path: str) -> list[str]:
    """What is serious or critical on the page, in light and dark, wide and narrow."""
    person.page.evaluate(AXE.read_text())
    return [
        f"{path} {theme} {width}: {line}"
        for width in (1440, 1024)
        for theme in ("light", "dark")
        for line in _violations(person, theme, width)
    ]


def _violations(person: Person, theme: str, width: int) -> list[str]:
    page = person.page
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("theme => document.documentElement.setAttribute('cds-theme', theme)", theme)
    answer = page.evaluate("tags => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", TAGS)
    return [
        f"{found['id']} ({found['impact']}) {node['target']} {node['failureSummary']}"
        for found in answer["violations"]
        if found["impact"] in {"serious", "critical"}
        for node in found["nodes"][:2]
    ]


@pytest.mark.parametrize("path", ["/", f"/machines/{machine_key(3)}", f"/restores/new?point={POINT}"])
def test_every_tab_stop_can_be_seen_and_the_first_skips_to_the_content(person: Person, path: str) -> None:
    page = person.open(path)
    page.evaluate("document.activeElement.blur()")
    page.evaluate("window.getSelection().removeAllRanges()")
    bare = []
    for _ in range(70):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "(() => { const e = document.activeElement, s = getComputedStyle(e); "
            "return [e === document.body ? '' : e.outerHTML.slice(0, 120), "
            "s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1]; })()"
        )
        if not name:
            break
        if not outline and 'type="radio"' not in name:
            bare.append(name)

    assert bare == []


def test_the_first_tab_stop_skips_to_the_content(person: Person) -> None:
    page = person.open("/settings")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_window_of_640_pixels_does_not_scroll_sideways(
    console: ConsoleDesk, open_console: OpenConsole
) -> None:
    person = open_console(viewport={"width": 640, "height": 800})
    person.sign_in()
    wide = []
    for path in pages_of(console):
        page = person.open(path)
        excess = page.evaluate(
            "Math.max(document.documentElement.scrollWidth - innerWidth, "
            "...[...document.querySelectorAll('main')].map(m => m.scrollWidth - m.clientWidth))"
        )
        if excess > 0:
            wide.append(f"{path}: {excess}")
    person.complaints = [each for each in person.complaints if "404" not in each]

    assert wide == []

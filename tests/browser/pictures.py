"""`make pictures`: every page of the console, light and dark, into docs/pictures.

The estate and its clock are those of the tests, so that a picture changes only when a page does.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from appliance.model.runs import RunState
from appliance.services import RunFilter
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.server import served
from tests.fakes.console import PASSWORD, ConsoleDesk
from tests.fakes.console_estate import empty_console, filled_console, machine_key

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
DESK = Path("/tmp/keepline")  # the settings page shows it
PLAIN_FLAGS = (
    "--font-render-hinting=none",
    "--disable-lcd-text",
    "--force-color-profile=srgb",
    "--disable-partial-raster",  # edges drawn in two steps differ by how a page was painted
    "--num-raster-threads=1",
    "--disable-skia-runtime-opts",
    "--disable-checker-imaging",
)
WIDTH, HEIGHT = 1440, 900
HIDDEN_PIXELS = """(() => {
    const scrolled = document.querySelector("main");
    return scrolled ? scrolled.scrollHeight - scrolled.clientHeight : 0;
})()"""
MOST_BYTES = 150 * 1024
POINT = "20260318T020400Z-00030001"
PLAN = f"/restores/plan?point={POINT}&target=machine&vcenter=main"

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")


def main() -> None:
    """Take all pictures anew; pages that are gone lose theirs."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with chromium() as browser:
        with desk_folder() as folder, empty_console(folder) as console:
            take(browser, console, {"first-start": "/"})
        with desk_folder() as folder, filled_console(folder) as console:
            take(browser, console, pages_of(console))
    shrink(sorted(FOLDER.glob("*.png")))


def pages_of(console: ConsoleDesk) -> dict[str, str]:
    """Every page by the name of its picture."""
    nightly = console.services.policies.list()[0].policy.id
    return {
        "dashboard": "/",
        "machines": "/machines",
        "machines-none-found": "/machines?q=nothing",
        "machine": f"/machines/{machine_key(3)}",
        "machine-never-backed-up": f"/machines/{machine_key(7)}",
        "policies": "/policies",
        "policy": f"/policies/{nightly}",
        "policy-form": f"/policies/{nightly}/edit",
        "policy-removal": f"/policies/{nightly}/removal",
        "runs": "/runs",
        "run-at-work": f"/runs/{run_in(console, RunState.RUNNING)}",
        "run-succeeded": f"/runs/{run_in(console, RunState.SUCCEEDED)}",
        "run-failed": f"/runs/{run_in(console, RunState.FAILED)}",
        "restores": "/restores",
        "restore-1-what-and-where": f"/restores/new?point={POINT}",
        "restore-2-plan": f"{PLAN}&name=sql-prod-02-restored",
        "restore-2-plan-refused": f"{PLAN}&name=sql-prod-02",
        "settings": "/settings",
        "notifier": "/settings/notifier",
        "not-found": "/nowhere",
    }


def run_in(console: ConsoleDesk, state: RunState) -> str:
    """The newest run in this state."""
    return console.services.runs.page(RunFilter(states=frozenset({state})))[0].id


def take(browser: Browser, console: ConsoleDesk, pages: dict[str, str]) -> None:
    """Pictures of these pages, and of the sign-in before them, in both themes."""
    with served(console) as address:
        for theme in THEMES:
            page = window(browser, theme)
            page.goto(f"{address}/sign-in")
            keep(page, f"sign-in-{theme}")
            page.fill("#password", PASSWORD)
            page.press("#password", "Enter")
            page.wait_for_url(f"{address}/")
            for name, path in pages.items():
                page.goto(address + path)
                keep(page, f"{name}-{theme}")
            page.context.close()


def keep(page: Page, name: str) -> None:
    """One picture, when fonts are there and nothing moves or blinks."""
    page.evaluate("document.fonts.ready")
    page.evaluate("document.activeElement.blur()")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT + page.evaluate(HIDDEN_PIXELS)})
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled", caret="hide")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


def shrink(pictures: list[Path]) -> None:
    """Make them small with pngquant where there is one, and complain of what is too large to be committed."""
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--ext", ".png", "--nofs", "128", *pictures], check=True)
    large = [path.name for path in pictures if path.stat().st_size > MOST_BYTES]
    print(f"{len(pictures)} pictures, {sum(path.stat().st_size for path in pictures) // 1024} KiB")
    if large:
        sys.exit(f"larger than {MOST_BYTES // 1024} KiB: {', '.join(large)} (install pngquant)")


def window(browser: Browser, theme: Theme) -> Page:
    """A window for somebody who likes that theme."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        color_scheme=theme,
        reduced_motion="reduce",
        locale="en-GB",
    )
    return context.new_page()


@contextmanager
def chromium() -> Iterator[Browser]:
    """This machine's Chromium, drawing letters alike everywhere."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *PLAIN_FLAGS])
        yield browser
        browser.close()


@contextmanager
def desk_folder() -> Iterator[Path]:
    """A new folder under a name that is always the same."""
    DESK.mkdir()
    try:
        yield DESK
    finally:
        shutil.rmtree(DESK)


if __name__ == "__main__":
    main()

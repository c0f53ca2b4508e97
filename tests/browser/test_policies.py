"""Policies in a browser: made by keyboard alone, told as one types, kept over whatever comes between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.browser.person import OpenConsole, Person
from tests.browser.test_access import violations
from tests.fakes.console import PASSWORD, ConsoleDesk

pytestmark = pytest.mark.browser

NIGHTLY = "/policies/p-nightly"
COUNT = "#match-count"


def pages_of(console: ConsoleDesk) -> list[str]:
    """Every page of the family, with a due time that has fired."""
    console.desk.clock.sleep(3000)
    before = console.services.policies.words_of("nightly")
    console.services.policies.add(replace(before, name="each minute", cron="* * * * *"))
    console.desk.clock.sleep(60)
    console.desk.due_policies.queue_due()
    console.services.policies.disable("each minute")
    ((row),) = [
        row
        for row in console.services.policy_pages.overview.rows()
        if row.listed.policy.name == "each minute"
    ]
    assert row.last
    each_minute = f"/policies/{row.listed.policy.id}"
    return [
        "/policies",
        "/policies/new",
        "/policies/new?tags=Backup/Gold",
        NIGHTLY,
        each_minute,
        f"{each_minute}/firings/{row.last.due_key}",
        f"{NIGHTLY}/machines",
        f"{NIGHTLY}/machines?q=nothing",
        f"{NIGHTLY}/retention",
        f"{NIGHTLY}/edit",
        f"{NIGHTLY}/removal",
    ]


def names(console: ConsoleDesk) -> list[str]:
    return [listed.policy.name for listed in console.services.policies.list()]


def test_a_policy_is_made_by_keyboard_alone(console: ConsoleDesk, person: Person) -> None:
    page = person.open("/policies")
    person.tab_to("a[href='/policies/new']")
    person.press_enter("/policies/new")
    person.wait_for_focus("#name")
    page.keyboard.type("web servers")
    person.tab_to("#names")
    page.keyboard.type("web-*")
    page.wait_for_selector(f"{COUNT}:text-is('2')")
    person.tab_to("#rhythm")
    page.keyboard.press("ArrowDown")
    person.tab_to("#zone")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=web servers was added.")

    assert names(console) == ["nightly", "web servers"]
    assert console.services.policies.words_of("web servers").cron == "0 2 * * mon-fri"


def test_a_policy_is_made_without_scripts(console: ConsoleDesk, open_console: OpenConsole) -> None:
    person = open_console(java_script_enabled=False)
    person.sign_in("/policies/new")
    page = person.page
    page.fill("#name", "web servers")
    page.fill("#names", "web-*")
    page.fill("#folders", "/Paris/vm/Nowhere")
    page.select_option("#rhythm", "hourly")
    page.fill("#minute", "20")
    assert not page.is_visible("#at")
    page.click("text=Preview")
    page.wait_for_selector(COUNT)
    assert page.text_content(COUNT) == "2"
    assert page.is_visible("text=has no folder /Paris/vm/Nowhere")
    assert page.input_value("#names").strip() == "web-*"
    page.click("main .head >> text=Save policy")
    page.wait_for_selector("text=web servers was added.")
    page.click("text=Show all, with reasons")
    page.wait_for_selector("text=its name matches web-*")

    assert names(console) == ["nightly", "web servers"]


def test_the_count_follows_what_is_typed(console: ConsoleDesk, person: Person) -> None:
    page = person.open(f"{NIGHTLY}/edit")
    page.wait_for_selector(COUNT)
    assert page.text_content(COUNT) == "5"
    page.fill("#exclude_names", "old-*\nmail-*\nsql-*")
    page.wait_for_selector(f"{COUNT}:text-is('3')")
    page.select_option("#rhythm", "cron")
    page.fill("#cron", "0 0 31 feb *")
    page.wait_for_selector("#preview .complaint")

    assert console.services.policies.words_of("nightly").exclude_names == ("old-*", "mail-*")


def test_a_form_with_a_wrong_field_shows_it_and_can_be_saved_then(
    console: ConsoleDesk, person: Person
) -> None:
    page = person.open("/policies/new")
    page.fill("#name", "web servers")
    page.fill("#tags", "Gold")
    page.click("main .head >> text=Save policy")
    page.wait_for_selector("#tags-problem")
    assert page.get_attribute("#tags", "aria-describedby") == "tags-problem tags-hint"
    page.fill("#tags", "Backup/Gold")
    page.click("main .head >> text=Save policy")
    page.wait_for_selector("text=web servers was added.")
    person.complaints = [each for each in person.complaints if "400" not in each]

    assert names(console) == ["nightly", "web servers"]


def test_a_policy_form_outlives_its_session(console: ConsoleDesk, person: Person) -> None:
    page = person.open("/policies/new")
    page.fill("#name", "web servers")
    console.desk.clock.sleep(4000)
    page.fill("#names", "web-*")
    page.wait_for_selector("#preview >> text=Your session has ended")
    page.click("main .head >> text=Save policy")
    person.wait_for_focus("#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You are signed in again")
    page.keyboard.press("Enter")
    page.wait_for_selector("#policy")
    assert page.input_value("#name") == "web servers"
    assert page.input_value("#names").strip() == "web-*"
    page.click("main .head >> text=Save policy")
    page.wait_for_selector("text=web servers was added.")
    person.complaints = [each for each in person.complaints if "401" not in each]

    assert names(console) == ["nightly", "web servers"]


def test_a_policy_is_removed_after_a_second_look(console: ConsoleDesk, person: Person) -> None:
    page = person.open(NIGHTLY)
    page.wait_for_selector("#machines tbody tr")
    page.click("text=Remove…")
    page.wait_for_selector("text=all recovery points stay")
    page.click("button:has-text('Remove nightly')")
    page.wait_for_selector("text=nightly was removed.")

    assert names(console) == []


def test_axe_finds_nothing_serious_on_policies(console: ConsoleDesk, open_console: OpenConsole) -> None:
    person = open_console(bypass_csp=True, reduced_motion="reduce")
    person.sign_in()
    found = []
    for path in pages_of(console):
        page = person.open(path)
        page.wait_for_load_state("networkidle")
        found += violations(person, path)

    assert found == []


def test_policies_fit_into_a_window_of_640_pixels(console: ConsoleDesk, open_console: OpenConsole) -> None:
    person = open_console(viewport={"width": 640, "height": 800})
    person.sign_in()
    wide = []
    for path in pages_of(console):
        page = person.open(path)
        page.wait_for_load_state("networkidle")
        excess = page.evaluate(
            "Math.max(document.documentElement.scrollWidth - innerWidth, "
            "...[...document.querySelectorAll('main')].map(m => m.scrollWidth - m.clientWidth))"
        )
        if excess > 0:
            wide.append(f"{path}: {excess}")

    assert wide == []

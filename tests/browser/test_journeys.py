from __future__ import annotations

import pytest

from appliance.model.disk_progress import DiskProgress
from appliance.model.runs import RunKind, RunProgress, RunState
from appliance.model.target_places import TargetPlaces
from appliance.model.units import GIB
from appliance.services import RunFilter
from tests.browser.person import OpenConsole, Person
from tests.fakes.console import PASSWORD, ConsoleDesk
from tests.fakes.console_estate import machine_key, many_machines

pytestmark = pytest.mark.browser

SQL = machine_key(3)
POINT = "20260318T020400Z-00030001"


def started_restores(console: ConsoleDesk) -> list[str]:
    kinds = frozenset({RunKind.RESTORE_MACHINE})
    return [run.subject_name for run in console.services.runs.page(RunFilter(kinds=kinds))]


def test_from_sign_in_to_a_started_restore_by_keyboard(
    console: ConsoleDesk, open_console: OpenConsole
) -> None:
    person = open_console()
    person.open("/")
    person.wait_for_focus("#password")
    person.page.keyboard.type(PASSWORD)
    person.press_enter("/")
    person.page.keyboard.press("/")
    person.page.keyboard.type("sql-prod-02")
    person.page.wait_for_selector("#hits a[aria-label='Restore sql-prod-02']")
    person.tab_to("#hits a[aria-label='Restore sql-prod-02']")
    person.press_enter("/restores/new")
    person.wait_for_focus(".foot button")
    person.press_enter("/restores/plan")
    person.wait_for_focus("#start")
    person.press_enter("/runs/")

    assert started_restores(console) == ["sql-prod-02-restored"]
    assert person.activations <= 5
    assert person.tabs <= 30


def test_the_same_without_scripts(console: ConsoleDesk, open_console: OpenConsole) -> None:
    person = open_console(java_script_enabled=False)
    person.sign_in("/machines?q=sql-prod-02")
    person.page.click("a[aria-label='Restore sql-prod-02']")
    person.page.click("text=Review plan")
    person.page.click("#start")
    person.page.wait_for_url("**/runs/*")

    assert started_restores(console) == ["sql-prod-02-restored"]
    assert not person.page.is_visible("[data-theme-switch]")


def test_back_never_starts_a_restore_again(console: ConsoleDesk, person: Person) -> None:
    person.open(f"/restores/new?point={POINT}")
    person.page.click("text=Review plan")
    person.page.click("#start")
    person.page.wait_for_url("**/runs/*")
    person.page.go_back()
    person.page.wait_for_url("**/restores/plan**")
    person.page.go_back()
    person.page.wait_for_url("**/restores/new**")

    assert started_restores(console) == ["sql-prod-02-restored"]


def test_a_machine_is_backed_up_and_watched_without_a_reload(console: ConsoleDesk, person: Person) -> None:
    (running,) = console.services.runs.page(RunFilter(states=frozenset({RunState.RUNNING})))
    page = person.open(f"/runs/{running.id}")
    page.evaluate("window.sameDocument = true")
    half = RunProgress((DiskProgress("Hard disk 1", 4 * GIB, 3 * GIB),))
    console.desk.run_store.save_progress(running, "read", half)
    page.wait_for_selector("text=75 %")

    assert page.evaluate("window.sameDocument")
    assert page.evaluate("document.activeElement === document.body")


def test_the_focus_stays_where_it_is_while_a_part_is_renewed(console: ConsoleDesk, person: Person) -> None:
    (running,) = console.services.runs.page(RunFilter(states=frozenset({RunState.RUNNING})))
    page = person.open(f"/runs/{running.id}")
    person.tab_to("#cancel")
    console.desk.run_store.save_progress(running, "commit", RunProgress((DiskProgress("a", 4, 1),)))
    page.wait_for_selector("text=25 %")

    assert page.evaluate("document.activeElement.id") == "cancel"


def test_a_session_that_ends_in_a_live_page_leads_to_the_sign_in_and_back(
    console: ConsoleDesk, person: Person
) -> None:
    person.open("/runs?kind=backup")
    console.desk.clock.sleep(4000)
    person.page.wait_for_url("**/sign-in?next=**")
    person.wait_for_focus("#password")
    person.page.keyboard.type(PASSWORD)
    person.press_enter("/runs?kind=backup")
    person.complaints = [each for each in person.complaints if "401" not in each]  # that is how it was told


def test_a_form_outlives_its_session(console: ConsoleDesk, person: Person) -> None:
    page = person.open("/settings")
    page.fill("#host", "vc.example")
    page.fill("#account", "backup@vsphere.local")
    page.fill("#name", "second")
    console.desk.clock.sleep(4000)
    page.click("text=Show its certificate")
    page.wait_for_selector("text=Your session has ended")
    person.wait_for_focus("#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.click("text=Send it now")
    page.wait_for_selector("text=SHA-256")

    assert page.input_value("input[name=name]") == "second"
    person.complaints = [each for each in person.complaints if "401" not in each]


def test_slash_goes_to_the_search_and_escape_closes_it(person: Person) -> None:
    page = person.open("/settings")
    page.keyboard.press("/")
    page.keyboard.type("prod")
    page.wait_for_selector("#hits li")
    page.keyboard.press("Escape")

    assert page.query_selector_all("#hits li") == []


def test_arrows_move_by_day_and_week_in_the_calendar(person: Person) -> None:
    page = person.open(f"/machines/{SQL}")
    page.focus(".calendar a[aria-current]")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")

    assert str(page.evaluate("document.activeElement.getAttribute('aria-label')")).startswith("10 March")
    assert page.evaluate("document.querySelectorAll('.calendar a:not([tabindex=\"-1\"])').length") == 1


def test_a_cluster_of_the_map_is_one_tab_stop_and_arrows_move_in_it(person: Person) -> None:
    page = person.open("/")
    gold = ".map ul[aria-label='Gold']"
    page.wait_for_selector(f"{gold} a[tabindex='0']")
    assert page.evaluate(f"document.querySelectorAll(\"{gold} a:not([tabindex='-1'])\").length") == 1
    person.tab_to(f"{gold} a")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")

    assert page.evaluate("document.activeElement.title") == "sql-prod-02: protected"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/machines/{SQL}")


def test_the_focus_stays_in_the_map_while_it_is_renewed(console: ConsoleDesk, person: Person) -> None:
    page = person.open("/")
    person.tab_to(".map ul[aria-label='Gold'] a")
    page.keyboard.press("ArrowRight")
    console.services.policies.disable("nightly")
    console.services.estate.refresh()
    page.wait_for_selector(".map ul[aria-label='Gold'] a.unplanned")

    assert page.evaluate("document.activeElement.title") == "sql-prod-02: unplanned"
    page.wait_for_function("document.activeElement.tabIndex === 0")


def test_another_vcenter_brings_its_own_places_without_a_reload(console: ConsoleDesk, person: Person) -> None:
    console.services.vcenters.add(console.desk.new_vcenter("second"))
    console.services.estate.refresh()
    console.desk.gateway.places = TargetPlaces()
    page = person.open(f"/restores/new?point={POINT}&vcenter=main")
    page.evaluate("window.sameDocument = true")
    page.fill("#name", "elsewhere")
    page.select_option("#vcenter", "second")
    page.wait_for_selector("text=The places were read from second")

    assert page.evaluate("window.sameDocument")
    assert page.input_value("#name") == "elsewhere"
    assert page.input_value("#vcenter") == "second"


def test_the_theme_that_was_chosen_stays(person: Person) -> None:
    page = person.open("/")
    before = page.get_attribute("html", "cds-theme")
    page.click("[data-theme-switch]")
    page = person.open("/runs")

    assert {before, page.get_attribute("html", "cds-theme")} == {"light", "dark"}


def test_choosing_all_of_a_page_and_backing_them_up(console: ConsoleDesk, person: Person) -> None:
    page = person.open("/machines?q=office")
    page.check("[data-choose-all]")
    page.click("text=Back up chosen")
    page.wait_for_url("**/runs")

    assert page.is_visible("text=3 backups queued.")
    assert console.audit.lines[-1].startswith("admin from 127.0.0.1: request backup")


def test_ten_thousand_machines_are_a_small_page(console: ConsoleDesk, person: Person) -> None:
    many_machines(console, 10_000)
    page = person.open("/machines?rows=100")

    assert page.evaluate("document.querySelectorAll('*').length") < 6000
    person.open("/")
    assert page.evaluate("document.querySelectorAll('*').length") < 6000

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from appliance.model.documents import from_json
from appliance.model.requests import RestoreMachineRequest
from appliance.model.runs import RunKind, RunState
from appliance.services import RunFilter
from tests.fakes.browser import Browser
from tests.fakes.console import PASSWORD, ConsoleDesk
from tests.fakes.console_estate import machine_key
from tests.fakes.vcenters import SHA256

WEB_01, SQL, GONE = machine_key(0), machine_key(3), "vcenter-uuid.machine-uuid-gone"
POINT = "20260318T020400Z-00030001"
TO_MACHINE = {"point": POINT, "target": "machine", "vcenter": "main", "name": "copy"}


def runs_of(console: ConsoleDesk, kind: RunKind) -> list[str]:
    return [run.subject_name for run in console.services.runs.page(RunFilter(kinds=frozenset({kind})))]


def digest_of(browser: Browser, **order: str) -> str:
    answer = browser.client.get("/restores/plan", query_string=order)
    found = re.search(r'name="digest" value="(\w+)"', answer.text)
    assert found, answer.text
    return found[1]


def test_back_up_now_shows_its_run(console: ConsoleDesk, browser: Browser) -> None:
    answer = browser.post(f"/machines/{WEB_01}/backups")

    assert answer.status_code == 303
    assert "web-01" in browser.text(answer.headers["Location"])
    assert console.audit.lines[-1].startswith("admin from 127.0.0.1: request backup web-01")


def test_two_people_who_back_up_one_machine_see_one_run(browser: Browser) -> None:
    first = browser.post(f"/machines/{WEB_01}/backups").headers["Location"]
    second = browser.post(f"/machines/{WEB_01}/backups").headers["Location"]

    assert first == second
    assert "is being backed up already" in browser.text(second)


def test_several_machines_are_queued_at_once(console: ConsoleDesk, browser: Browser) -> None:
    before = len(runs_of(console, RunKind.BACKUP))
    browser.post("/machines/backups", machine=[WEB_01, machine_key(4), SQL])

    assert len(runs_of(console, RunKind.BACKUP)) == before + 2
    assert "2 backups queued. 1 machine had one already." in browser.text("/runs")


def test_choosing_nothing_is_said(browser: Browser) -> None:
    answer = browser.post("/machines/backups")

    assert answer.status_code == 400
    assert "No machine is chosen" in answer.text


def test_a_machine_that_is_in_no_vcenter_cannot_be_backed_up(browser: Browser) -> None:
    assert "KL-1209" in browser.post(f"/machines/{GONE}/backups").text


def test_a_machine_that_went_between_page_and_click_is_said(console: ConsoleDesk, browser: Browser) -> None:
    console.desk.gateway.inventory = []
    answer = browser.post(f"/machines/{WEB_01}/backups")

    assert answer.status_code == 404
    assert "KL-2031" in answer.text


def test_a_point_is_verified(console: ConsoleDesk, browser: Browser) -> None:
    browser.post(f"/points/{POINT}/verifications")

    assert runs_of(console, RunKind.VERIFY) == ["sql-prod-02"]


def test_a_run_is_cancelled_once(console: ConsoleDesk, browser: Browser) -> None:
    (queued,) = console.services.runs.page(RunFilter(kinds=frozenset({RunKind.RESTORE_DISK})))
    browser.post(f"/runs/{queued.id}/cancellation")

    assert console.services.runs.find(queued.id).state is RunState.CANCELLED
    assert "The run is cancelled." in browser.text(f"/runs/{queued.id}")
    again = browser.post(f"/runs/{queued.id}/cancellation")
    assert again.status_code == 303  # asking twice does no harm


def test_a_run_that_has_succeeded_cannot_be_cancelled(console: ConsoleDesk, browser: Browser) -> None:
    (done,) = console.services.runs.page(RunFilter(states=frozenset({RunState.SUCCEEDED})))
    answer = browser.post(f"/runs/{done.id}/cancellation")

    assert (answer.status_code, "KL-6020" in answer.text) == (503, True)


def test_a_failed_run_is_tried_again_once(console: ConsoleDesk, browser: Browser) -> None:
    (failed,) = console.services.runs.page(RunFilter(states=frozenset({RunState.FAILED})))
    assert 'id="retry"' in browser.text(f"/runs/{failed.id}")
    first = browser.post(f"/runs/{failed.id}/retry").headers["Location"]
    second = browser.post(f"/runs/{failed.id}/retry").headers["Location"]

    assert first == second
    assert f'Repeats <a href="/runs/{failed.id}"' in browser.text(first)
    assert "tries again" in browser.text(f"/runs/{failed.id}")


def test_all_failed_runs_of_a_list_are_tried_again(console: ConsoleDesk, browser: Browser) -> None:
    (failed,) = console.services.runs.page(RunFilter(states=frozenset({RunState.FAILED})))
    assert "Try these 1 run again" in browser.text("/runs?group=failed")
    before = len(runs_of(console, RunKind.BACKUP))
    browser.post("/runs/retries", run=[failed.id])

    assert len(runs_of(console, RunKind.BACKUP)) == before + 1
    assert "1 run queued again." in browser.text("/runs")
    assert browser.post("/runs/retries").status_code == 400


def test_a_restore_is_planned_and_started(console: ConsoleDesk, browser: Browser) -> None:
    answer = browser.post("/restores", **TO_MACHINE, digest=digest_of(browser, **TO_MACHINE))

    assert answer.status_code == 303
    assert runs_of(console, RunKind.RESTORE_MACHINE) == ["copy"]
    assert "copy" in browser.text(answer.headers["Location"])


def test_a_double_enter_starts_one_restore(console: ConsoleDesk, browser: Browser) -> None:
    digest = digest_of(browser, **TO_MACHINE)
    places = {browser.post("/restores", **TO_MACHINE, digest=digest).headers["Location"] for _ in range(2)}

    assert len(places) == 1
    assert runs_of(console, RunKind.RESTORE_MACHINE) == ["copy"]


@pytest.mark.parametrize("change", [{"name": "other"}, {"power_on": "yes"}, {"digest": "0" * 64}])
def test_a_plan_that_is_not_the_one_shown_is_refused_and_shown_anew(
    console: ConsoleDesk, browser: Browser, change: dict[str, str]
) -> None:
    order = {**TO_MACHINE, "digest": digest_of(browser, **TO_MACHINE), **change}
    answer = browser.post("/restores", **order)

    assert answer.status_code == 409
    assert "KL-1206" in answer.text
    assert "What will happen" in answer.text
    assert runs_of(console, RunKind.RESTORE_MACHINE) == []


def test_a_stale_plan_shows_what_has_changed(console: ConsoleDesk, browser: Browser) -> None:
    page = browser.client.get("/restores/plan", query_string=TO_MACHINE).text
    shown = [unescape(line) for line in re.findall(r'name="shown" value="([^"]*)"', page)]
    digest = digest_of(browser, **TO_MACHINE)
    console.desk.catalog.networks = ("Backbone",)
    answer = browser.post("/restores", **TO_MACHINE, digest=digest, shown=shown)

    assert answer.status_code == 409
    gone, new = (re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text) for tag in ("del", "ins"))
    assert ["VM Network" in line for line in gone] == [True]
    assert ["Backbone" in line for line in new] == [True]


def test_where_the_machine_goes_is_chosen_from_vcenters_lists(console: ConsoleDesk, browser: Browser) -> None:
    page = browser.text(f"/restores/new?point={POINT}")
    for words in (
        "As it was: esx-01 (host in Gold)",
        "As it was: ssd-1, 300.0 GiB free",
        'value="cluster:/Paris/host/Gold"',
        'value="/Paris/vm/Lab"',
        "Cards on VM Network",
        "The places were read from main just now",
    ):
        assert words in page
    assert "esx-02" not in page  # in maintenance

    chosen = {
        **TO_MACHINE,
        "compute": "cluster:/Paris/host/Gold",
        "datastore": "/Paris/datastore/bulk",
        "folder": "/Paris/vm/Lab",
        "source_network": "VM Network",
        "target_network": "/Paris/network/Isolated",
        "power_on": "yes",
    }
    plan = unescape(browser.client.get("/restores/plan", query_string=chosen).text)
    assert "In /Paris/vm/Lab of main, on cluster /Paris/host/Gold, datastore /Paris/datastore/bulk." in plan
    assert "goes to /Paris/network/Isolated and is connected." in plan

    browser.post("/restores", **chosen, digest=digest_of(browser, **chosen))
    (run,) = console.services.runs.page(RunFilter(kinds=frozenset({RunKind.RESTORE_MACHINE})))
    request = from_json(RestoreMachineRequest, run.request)
    assert (request.cluster, request.host) == ("/Paris/host/Gold", None)
    assert request.networks == (("VM Network", "/Paris/network/Isolated"),)


def test_back_from_the_plan_keeps_what_was_chosen(browser: Browser) -> None:
    chosen = {
        **TO_MACHINE,
        "datastore": "/Paris/datastore/bulk",
        "source_network": "VM Network",
        "target_network": "/Paris/network/Isolated",
    }
    plan = browser.client.get("/restores/plan", query_string=chosen).text
    back = re.search(r'<a class="btn" href="([^"]*)">Back', plan)
    assert back
    page = browser.text(unescape(back[1]))

    assert re.search(r'value="/Paris/datastore/bulk" selected', page)
    assert re.search(r'value="/Paris/network/Isolated" selected', page)


def test_a_failed_check_blocks_the_start(console: ConsoleDesk, browser: Browser, tmp_path: Path) -> None:
    target = tmp_path / "disk.raw"
    target.touch()
    order = {"point": POINT, "target": "file", "disk": "2000", "file": str(target), "format": "raw"}
    page = browser.client.get("/restores/plan", query_string=order).text
    assert "KL-1005" in page
    assert re.search(r'id="start"[^>]*disabled', page)

    answer = browser.post("/restores", **order, digest=digest_of(browser, **order))
    assert (answer.status_code, "KL-1207" in answer.text) == (400, True)
    assert len(runs_of(console, RunKind.RESTORE_DISK)) == 1


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"vcenter": ""}, {"target": "file"}, {"target": "file", "disk": "2000", "file": "x"}],
)
def test_a_field_that_is_missing_or_wrong_is_named(browser: Browser, change: dict[str, str]) -> None:
    answer = browser.client.get("/restores/plan", query_string={**TO_MACHINE, **change})

    assert (answer.status_code, "KL-1210" in answer.text) == (400, True)


def test_a_vcenter_is_added_after_its_certificate_was_confirmed(new_browser: Browser) -> None:
    place = {"host": "vc.example", "port": "443", "user": "backup@vsphere.local", "name": "main"}
    shown = new_browser.post("/settings/vcenters", **place)
    assert SHA256 in shown.text

    refused = new_browser.post("/settings/vcenters", **place, thumbprint=SHA256, password="wrong")
    assert (refused.status_code, "KL-2003" in refused.text, SHA256 in refused.text) == (502, True, True)
    added = new_browser.post("/settings/vcenters", **place, thumbprint=SHA256, password="correct horse")
    assert added.status_code == 303
    assert "main was added." in new_browser.text("/settings")
    assert "log-in" in new_browser.post("/settings/vcenters/main/tests").text.casefold()


@pytest.mark.parametrize(
    ("change", "code"), [({"host": ""}, "KL-1210"), ({"port": "x"}, "KL-1210"), ({"host": "away"}, "KL-2001")]
)
def test_a_vcenter_that_cannot_be_added_keeps_what_was_entered(
    new_browser: Browser, change: dict[str, str], code: str
) -> None:
    place = {"host": "vc.example", "port": "443", "user": "somebody@vsphere.local", **change}
    answer = new_browser.post("/settings/vcenters", **place)

    assert code in answer.text
    assert 'value="somebody@vsphere.local"' in answer.text


def test_a_vcenter_is_removed(console: ConsoleDesk, browser: Browser) -> None:
    browser.post("/settings/vcenters/main/removal")

    assert console.services.vcenters.list() == []
    assert "main was removed" in browser.text("/settings")


def test_a_repository_is_added_once(new_browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    missing = new_browser.post("/settings/repository", folder=str(folder))
    assert (missing.status_code, str(folder) in missing.text) == (503, True)
    folder.mkdir()
    assert new_browser.post("/settings/repository", folder=str(folder)).status_code == 303
    assert "is the repository" in new_browser.text("/settings")
    assert new_browser.post("/settings/repository/checks").status_code == 303


def test_a_relative_folder_is_refused(new_browser: Browser) -> None:
    assert "KL-1210" in new_browser.post("/settings/repository", folder="here").text


def test_the_password_is_changed_by_whoever_knows_it(console: ConsoleDesk, browser: Browser) -> None:
    new = {"new_password": "another long password", "repeated_password": "another long password"}
    assert "KL-1201" in browser.post("/settings/password", password="a guess", **new).text
    assert (
        "KL-1204"
        in browser.post("/settings/password", password=PASSWORD, new_password="", repeated_password="").text
    )
    differs = {**new, "repeated_password": "and another one here"}
    assert "KL-1210" in browser.post("/settings/password", password=PASSWORD, **differs).text

    assert browser.post("/settings/password", password=PASSWORD, **new).headers["Location"] == "/sign-in"
    assert browser.get("/").status_code == 303
    assert browser.sign_in("another long password").status_code == 303
    assert console.passwords.password == "another long password"

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from appliance.model.policies import DueKey, Tag
from appliance.model.runs import RunKind
from appliance.services import NewPolicy, RetentionWords, RunFilter
from tests.fakes.browser import Browser
from tests.fakes.console import PASSWORD, ConsoleDesk
from tests.fakes.console_estate import many_machines
from web.headers import POLICY

NIGHTLY = "/policies/p-nightly"
PAGES = (
    "/policies",
    "/policies/new",
    "/policies/new?tags=Backup/Gold",
    NIGHTLY,
    f"{NIGHTLY}/machines",
    f"{NIGHTLY}/machines?group=left-out",
    f"{NIGHTLY}/machines?q=nothing",
    f"{NIGHTLY}/retention",
    f"{NIGHTLY}/edit",
    f"{NIGHTLY}/removal",
)
FORM = {
    "name": "hourly",
    "vcenter": "main",
    "names": "web-*\r\nsql-*",
    "folders": "",
    "tags": "",
    "exclude_names": "*-02",
    "rhythm": "hourly",
    "at": "02:00",
    "weekday": "sun",
    "minute": "15",
    "cron": "",
    "zone": "Europe/Paris",
    "keep_last": "3",
    "daily": "7",
    "weekly": "",
    "monthly": "",
    "yearly": "",
    "consistency": "filesystem",
    "accepted_disks": "Hard disk 2",
    "enabled": "yes",
}
LIVE = {"HX-Request": "true"}


def opened(browser: Browser) -> dict[str, str]:
    """What the edit form of the nightly policy holds as it is opened, apart from its machines."""
    page = browser.text(f"{NIGHTLY}/edit")
    digest = re.search(r'name="digest" value="(\w+)"', page)
    assert digest
    return {**FORM, "name": "nightly", "policy": "p-nightly", "digest": digest[1]}


def fired(console: ConsoleDesk) -> DueKey:
    """Let the nightly policy fire once; the name of that due time."""
    console.desk.clock.sleep(86400)
    console.desk.due_policies.queue_due()
    ((row),) = console.services.policy_pages.overview.rows()
    assert row.last
    return row.last.due_key


@pytest.mark.parametrize("page", PAGES)
def test_every_page_keeps_to_its_own_policy(reader: Browser, page: str) -> None:
    answer = reader.get(page)

    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", answer.text)
    assert not re.search(r'(src|href|action)="(https?:)?//', answer.text)


def test_the_list_says_what_each_policy_does_in_words(reader: Browser) -> None:
    page = reader.text("/policies")

    for words in (
        "nightly",
        "but not old-*, mail-*",
        "every day at 02:00 (UTC)",
        "last 7",
        "19 Mar 02:00 UTC",
    ):
        assert words in page
    assert "not due yet" in page


def test_without_a_policy_the_list_shows_the_first_step(console: ConsoleDesk, browser: Browser) -> None:
    console.services.policies.remove("nightly")

    assert 'href="/policies/new"' in browser.text("/policies")


def test_without_a_vcenter_the_first_step_is_to_connect_one(new_browser: Browser) -> None:
    assert "Connect vCenter" in new_browser.text("/policies")
    assert new_browser.get("/policies/new").status_code == 200


def test_a_policy_is_made_from_its_form(console: ConsoleDesk, browser: Browser) -> None:
    answer = browser.post("/policies", **FORM)

    assert answer.status_code == 303
    assert console.services.policies.words_of("hourly") == NewPolicy(
        name="hourly",
        vcenter="main",
        cron="15 * * * *",
        zone="Europe/Paris",
        names=("web-*", "sql-*"),
        exclude_names=("*-02",),
        retention=RetentionWords(3, 7, 0, 0, 0),
        accepted_disks=("Hard disk 2",),
        consistency="filesystem",
    )
    assert "hourly was added." in browser.text(answer.headers["Location"])
    assert console.audit.lines[-1] == "admin from 127.0.0.1: add policy hourly"


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"name": "nightly"}, "name", "KL-1097"),
        ({"name": ""}, "name", "KL-1010"),
        ({"names": ""}, "names", "KL-1010"),
        ({"tags": "Gold"}, "tags", "KL-1010"),
        ({"rhythm": "cron", "cron": "0 0 31 feb *"}, "cron", "KL-1010"),
        ({"zone": "Mars/Olympus"}, "zone", "KL-1010"),
        ({"keep_last": "0"}, "keep_last", "KL-1010"),
        ({"vcenter": "other"}, "vcenter", "KL-109"),
    ],
)
def test_a_wrong_field_is_marked_and_everything_entered_is_kept(
    console: ConsoleDesk, browser: Browser, change: dict[str, str], field: str, code: str
) -> None:
    answer = browser.post(
        "/policies",
        **{**FORM, **change},
    )

    assert answer.status_code == 400
    complaint = re.search(rf'id="{field}-problem">(.*?)</div>', answer.text)
    assert complaint
    assert code in complaint[1]
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', answer.text)
    assert "Hard disk 2</textarea>" in answer.text
    assert 'value="Europe/Paris"' in answer.text or field == "zone"
    assert [row.policy.name for row in console.services.policies.list()] == ["nightly"]


def test_a_policy_is_changed_and_what_follows_is_said(console: ConsoleDesk, browser: Browser) -> None:
    answer = browser.post(NIGHTLY, **{**opened(browser), "name": "all night", "enabled": ""})
    page = browser.text(answer.headers["Location"])

    assert (answer.status_code, answer.headers["Location"]) == (303, NIGHTLY)
    assert "all night was saved." in page
    assert "nothing retires them" in page
    assert "Disabled" in page
    assert console.services.policies.words_of("all night").cron == "15 * * * *"


def test_a_stale_form_is_refused_with_both_versions(console: ConsoleDesk, browser: Browser) -> None:
    mine = opened(browser)
    before = console.services.policies.words_of("nightly")
    console.services.policies.change("nightly", replace(before, cron="0 5 * * *"))
    refused = browser.post(NIGHTLY, **mine)

    assert refused.status_code == 409
    assert "KL-1098" in refused.text
    assert re.search(r"Schedule</th><td>0 5 \* \* \*</td><td>15 \* \* \* \*</td>", refused.text)
    assert "web-*\nsql-*</textarea>" in refused.text.replace("\r", "")
    assert console.services.policies.words_of("nightly").cron == "0 5 * * *"
    digest = re.search(r'name="digest" value="(\w+)"', refused.text)
    assert digest
    assert browser.post(NIGHTLY, **{**mine, "digest": digest[1]}).status_code == 303
    assert console.services.policies.words_of("nightly").cron == "15 * * * *"


def test_a_form_of_a_removed_policy_can_make_it_anew(console: ConsoleDesk, browser: Browser) -> None:
    mine = opened(browser)
    console.services.policies.remove("nightly")
    refused = browser.post(NIGHTLY, **mine)

    assert refused.status_code == 409
    assert "removed meanwhile" in refused.text
    assert 'action="/policies"' in refused.text
    assert browser.post("/policies", **mine).status_code == 303


def test_the_preview_tells_without_keeping_anything(console: ConsoleDesk, browser: Browser) -> None:
    fields = {"csrf": browser.csrf(), **FORM}
    part = browser.client.post("/policies/form", data=fields, headers=LIVE)

    assert part.status_code == 200
    assert re.search(r'id="match-count">2</span>', part.text)
    assert "<html" not in part.text
    assert "every hour at minute 15 (Europe/Paris)" in part.text.replace("Every", "every")
    page = browser.client.post("/policies/form", data=fields)
    assert re.search(r'id="match-count">2</span>', page.text)
    assert 'value="hourly"' in page.text
    assert len(console.services.policies.list()) == 1


def test_what_may_be_mistyped_is_warned_of(console: ConsoleDesk, browser: Browser) -> None:
    console.desk.gateway.tags = {Tag("Backup", "Gold"): set()}
    fields = {**FORM, "names": "", "tags": "Backup/Silver", "folders": "/Paris/vm/Nowhere"}
    page = browser.post("/policies/form", **fields).text

    assert "has no tag Backup/Silver" in page
    assert "has no folder /Paris/vm/Nowhere" in page
    assert "It means no machine today." in page
    assert browser.post("/policies", **fields).status_code == 303


def test_typing_does_not_log_in_to_vcenter_again_and_again(console: ConsoleDesk, browser: Browser) -> None:
    token = browser.csrf()
    before = len(console.desk.gateway.addresses)
    for names in ("w", "we", "web-*"):
        browser.client.post("/policies/form", data={"csrf": token, **FORM, "names": names}, headers=LIVE)

    assert len(console.desk.gateway.addresses) == before + 1


def test_neither_the_list_nor_a_policy_waits_for_vcenter(console: ConsoleDesk, browser: Browser) -> None:
    before = len(console.desk.gateway.addresses)
    for page in ("/policies", NIGHTLY, f"{NIGHTLY}/edit", "/policies/new"):
        browser.text(page)

    assert len(console.desk.gateway.addresses) == before


def test_a_vcenter_that_is_away_hides_the_machines_and_nothing_else(
    console: ConsoleDesk, browser: Browser
) -> None:
    console.desk.gateway.password = "changed"

    for page in (f"{NIGHTLY}/machines", f"{NIGHTLY}/retention", f"{NIGHTLY}/removal"):
        assert "KL-2003" in browser.text(page)
    assert "KL-2003" in browser.get(f"{NIGHTLY}/machines", **LIVE).text
    assert browser.post("/policies", **FORM).status_code == 303


def test_machines_are_told_with_the_reason_why(reader: Browser) -> None:
    page = reader.text(f"{NIGHTLY}/machines")
    assert "it is in /Paris/vm/Production" in page
    assert "old-print" not in page
    left_out = reader.text(f"{NIGHTLY}/machines?group=left-out")
    assert "its name is excluded" in left_out
    assert "old-print" in left_out


def test_ten_thousand_machines_are_paged(console: ConsoleDesk, browser: Browser) -> None:
    many_machines(console, 10_000)
    browser.post("/policies", **{**FORM, "names": "*", "exclude_names": ""})
    (mine,) = [row for row in console.services.policies.list() if row.policy.name == "hourly"]
    page = browser.text(f"/policies/{mine.policy.id}/machines?page=3")

    assert "51 to 75 of 10,000" in page
    assert len(page) < 40_000
    assert "1 to 1 of 1" in browser.text(f"/policies/{mine.policy.id}/machines?q=server-04711")


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=-1", "group=x", "q=%00%ff"])
def test_nonsense_in_an_address_is_a_page_all_the_same(reader: Browser, query: str) -> None:
    assert reader.get(f"{NIGHTLY}/machines?{query}").status_code == 200
    assert reader.get(f"{NIGHTLY}/retention?{query}").status_code == 200


@pytest.mark.parametrize("page", ["", "/edit", "/machines", "/retention", "/removal", "/firings/x"])
def test_a_policy_that_is_not_there_is_said_with_a_code(reader: Browser, page: str) -> None:
    answer = reader.get(f"/policies/nothing{page}")

    assert answer.status_code == 404
    assert "KL-1096" in answer.text


def test_a_due_time_shows_its_runs(console: ConsoleDesk, browser: Browser) -> None:
    key = fired(console)
    browser.sign_in()
    assert f"{NIGHTLY}/firings/{key}".replace(":", "%3A") in browser.text(NIGHTLY).replace(":", "%3A")
    page = browser.text(f"{NIGHTLY}/firings/{key}?page=9")

    for words in ("files-emea", "sql-prod-02", "Queued", "5 backups"):
        assert words in page
    answer = browser.get(f"{NIGHTLY}/firings/p-nightly@2020-01-01T02:00")
    assert (answer.status_code, "KL-1232" in answer.text) == (404, True)


def test_retention_is_shown_before_it_happens(console: ConsoleDesk, browser: Browser) -> None:
    page = browser.text(f"{NIGHTLY}/retention")

    assert "would be retired" in page
    assert "7 of 14 points would go at once" in page
    assert "nightly: last 7" in page
    assert console.desk.shelf.retired == {}


def test_a_policy_is_disabled_and_enabled(console: ConsoleDesk, browser: Browser) -> None:
    assert "nightly is disabled." in browser.text(browser.post(f"{NIGHTLY}/disabling").headers["Location"])
    assert [row.next_due for row in console.services.policies.list()] == [None]
    assert "None: it is disabled." in browser.text(NIGHTLY)
    assert "nightly is enabled." in browser.text(browser.post(f"{NIGHTLY}/enabling").headers["Location"])
    assert console.audit.lines[-2:] == [
        "admin from 127.0.0.1: disable policy nightly",
        "admin from 127.0.0.1: enable policy nightly",
    ]


def test_a_removal_says_what_stays_before_it_happens(console: ConsoleDesk, browser: Browser) -> None:
    page = browser.text(f"{NIGHTLY}/removal")
    assert "all recovery points stay" in page
    assert "5 machines are in it today; 5 machines are in no other policy" in page
    assert len(console.services.policies.list()) == 1

    assert browser.post(f"{NIGHTLY}/removal").headers["Location"] == "/policies"
    assert console.services.policies.list() == []
    assert "nightly was removed." in browser.text("/policies")


def test_all_machines_of_a_policy_are_backed_up_now(console: ConsoleDesk, browser: Browser) -> None:
    def backups() -> int:
        return len(console.services.runs.page(RunFilter(kinds=frozenset({RunKind.BACKUP}))))

    before = backups()
    browser.post(f"{NIGHTLY}/backups")
    assert backups() == before + 4
    assert "4 backups queued. 1 machine had one already." in browser.text("/runs")


def test_a_form_whose_session_ended_comes_back_to_the_form(console: ConsoleDesk, browser: Browser) -> None:
    form = {**FORM, "csrf": "old", "form_address": "/policies/form"}
    console.desk.clock.sleep(4000)
    ours = {"Origin": "http://localhost"}
    preview = browser.client.post("/policies/form", data=form, headers={**ours, **LIVE})
    assert (preview.status_code, "HX-Redirect" in preview.headers) == (401, False)
    assert "Your session has ended" in preview.text

    assert browser.client.post("/policies", data=form, headers=ours).status_code == 401
    kept = {f"kept.{name}": value for name, value in form.items() if name != "csrf"}
    resumed = browser.sign_in(PASSWORD, **{"next": "/policies", **kept})
    assert re.search(r'formaction="/policies/form"[^>]*>Back to the form', resumed.text)
    page = browser.post("/policies/form", **FORM).text
    assert "web-*\nsql-*</textarea>" in page.replace("\r", "")
    evil = browser.sign_in(PASSWORD, **{"next": "/policies", **kept, "kept.form_address": "//evil.example/"})
    assert "evil.example" not in re.findall(r'formaction="([^"]*)"', evil.text)[0]


@pytest.mark.parametrize(
    "path", ["/policies", "/policies/form", NIGHTLY, f"{NIGHTLY}/removal", f"{NIGHTLY}/backups"]
)
def test_a_forged_form_does_nothing(console: ConsoleDesk, browser: Browser, path: str) -> None:
    answer = browser.client.post(path, data={**FORM, "csrf": "forged"})

    assert (answer.status_code, "KL-1205" in answer.text) == (403, True)
    assert [row.policy.name for row in console.services.policies.list()] == ["nightly"]

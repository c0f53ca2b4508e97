from __future__ import annotations

import pytest

from tests.fakes.browser import Browser
from tests.fakes.console import PASSWORD, ConsoleDesk
from web import create_app

PAGES = ("/", "/machines", "/machines/hits", "/runs", "/restores", "/restores/new", "/settings", "/points/x")


@pytest.mark.parametrize("page", PAGES)
def test_nobody_sees_a_page_without_signing_in(outsider: Browser, page: str) -> None:
    answer = outsider.get(page)

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?next=/")


def test_every_view_but_the_sign_in_is_behind_the_gate(console: ConsoleDesk) -> None:
    app = create_app(console.services)
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint in {"static", "sessions.show", "sessions.sign_in"}:
            continue
        path = rule.build(dict.fromkeys(rule.arguments, "x"))
        assert path is not None
        for method in rule.methods & {"GET", "POST"} if rule.methods else ():
            status = client.open(path[1], method=method).status_code
            assert status == (303 if method == "GET" else 401), (rule.endpoint, method)


def test_the_password_leads_to_where_one_was_going(stranger: Browser) -> None:
    assert stranger.get("/runs?kind=backup").headers["Location"] == "/sign-in?next=/runs%3Fkind%3Dbackup"

    assert stranger.sign_in(next="/runs?kind=backup").headers["Location"] == "/runs?kind=backup"


@pytest.mark.parametrize(
    "next_page",
    ["https://evil.example", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/a\r\nb", ""],
)
def test_a_sign_in_never_leads_elsewhere(stranger: Browser, next_page: str) -> None:
    assert stranger.sign_in(next=next_page).headers["Location"] == "/"


def test_a_wrong_password_stays_outside_with_a_word(stranger: Browser) -> None:
    answer = stranger.sign_in("a guess")

    assert answer.status_code == 401
    assert "KL-1201" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert stranger.get("/").status_code == 303


def test_guessing_is_slowed_down(stranger: Browser) -> None:
    for _ in range(5):
        stranger.sign_in("a guess")
    answer = stranger.sign_in(PASSWORD)

    assert answer.status_code == 429
    assert "wait 5 seconds" in answer.text


def test_an_appliance_without_a_password_says_how_to_set_one(console: ConsoleDesk, stranger: Browser) -> None:
    console.passwords.password = ""

    assert "keepline console password" in stranger.sign_in().text


def test_the_cookie_is_for_this_console_alone(stranger: Browser) -> None:
    cookie = stranger.sign_in().headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie


def test_over_tls_the_cookie_stays_on_tls(console: ConsoleDesk) -> None:
    client = create_app(console.services).test_client()
    answer = client.post("/sign-in", data={"password": PASSWORD}, base_url="https://localhost")

    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_form_without_its_token_is_refused_and_does_nothing(console: ConsoleDesk, browser: Browser) -> None:
    before = len(console.audit.lines)
    for token in ({}, {"csrf": ""}, {"csrf": "forged"}, {"csrf": "\u00fcber"}):
        answer = browser.client.post("/settings/vcenters/main/removal", data=token)
        assert answer.status_code == 403
        assert "KL-1205" in answer.text

    assert [vcenter.name for vcenter in console.services.vcenters.list()] == ["main"]
    assert len(console.audit.lines) == before


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_from_another_site_is_refused_even_at_the_sign_in(
    outsider: Browser, headers: dict[str, str]
) -> None:
    answer = outsider.client.post("/sign-in", data={"password": PASSWORD}, headers=headers)

    assert answer.status_code == 403


def test_a_form_of_another_session_is_refused(console: ConsoleDesk, browser: Browser) -> None:
    other = Browser(create_app(console.services).test_client())
    other.sign_in()
    token = other.csrf()

    assert browser.client.post("/settings/vcenters/main/tests", data={"csrf": token}).status_code == 403


def test_signing_out_ends_every_copy_of_the_cookie(browser: Browser) -> None:
    cookie = browser.client.get_cookie("keepline_session")
    assert cookie is not None
    browser.post("/sign-out")
    browser.client.set_cookie("keepline_session", cookie.value)

    assert browser.get("/").status_code == 303


@pytest.mark.parametrize(("step", "steps", "inside"), [(3500, 12, True), (3700, 1, False), (3500, 13, False)])
def test_a_session_ends_when_it_is_idle_or_old(
    console: ConsoleDesk, browser: Browser, step: int, steps: int, *, inside: bool
) -> None:
    for _ in range(steps):
        console.desk.clock.sleep(step)
        status = browser.get("/runs").status_code

    assert (status == 200) is inside


def test_live_parts_do_not_keep_a_session_open(console: ConsoleDesk, browser: Browser) -> None:
    for _ in range(2):
        console.desk.clock.sleep(1900)
        answer = browser.get(
            "/runs/live", **{"HX-Request": "true", "HX-Current-URL": "http://localhost/runs?a=b"}
        )

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/runs%3Fa%3Db"


def test_a_new_password_ends_all_sessions(console: ConsoleDesk, browser: Browser) -> None:
    console.services.access.set_password("another long password", "the shell")

    assert browser.get("/").status_code == 303


def test_a_form_whose_session_ended_is_kept_over_the_sign_in(console: ConsoleDesk, browser: Browser) -> None:
    console.desk.clock.sleep(4000)
    fields = {"csrf": "old", "host": "vc2.example", "user": "<admin>", "password": "a secret"}
    ours = {"Origin": "http://localhost"}
    ended = browser.client.post("/settings/vcenters", data=fields, headers=ours)
    assert ended.status_code == 401
    assert 'name="kept.host" value="vc2.example"' in ended.text
    assert "a secret" not in ended.text

    kept = {"next": "/settings/vcenters", "kept.host": "vc2.example", "kept.user": "<admin>"}
    refused = browser.sign_in("a guess", **kept)
    assert 'name="kept.host" value="vc2.example"' in refused.text
    console.services.access.sign_in(PASSWORD, "127.0.0.1")
    resumed = browser.sign_in(PASSWORD, **kept)

    assert 'action="/settings/vcenters"' in resumed.text
    assert 'name="host" value="vc2.example"' in resumed.text
    assert 'value="&lt;admin&gt;"' in resumed.text
    assert browser.csrf() in resumed.text


def test_a_foreign_form_is_not_kept(stranger: Browser) -> None:
    answer = stranger.client.post("/settings/vcenters/main/removal", data={"x": "planted"})

    assert answer.status_code == 401
    assert "planted" not in answer.text


def test_a_form_that_is_too_large_is_refused(browser: Browser) -> None:
    assert browser.client.post("/machines/backups", data={"machine": "x" * 300_000}).status_code == 413

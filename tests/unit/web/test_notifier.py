from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.model.notifications import EmailNotifier, MailEncryption, WebhookNotifier
from appliance.notifications import ReceiverUnreachableError
from tests.fakes.browser import Browser
from tests.fakes.console import ConsoleDesk
from tests.fakes.notices import notice

EMAIL = {
    "host": "mx.example",
    "port": "465",
    "encryption": "tls",
    "sender": "box@example.com",
    "recipients": "admin@example.com, night@example.com",
    "user": "box",
    "password": "a password of the mail server",
}
WEBHOOK = {"url": "https://hooks.example/in", "key_password": "sixteen letters!"}
PAGE = "/settings/notifier"
AWAY = ReceiverUnreachableError("mx.example:465", "no route")


def test_without_a_notifier_the_page_says_that_nobody_is_told(browser: Browser) -> None:
    assert "Nobody is told" in browser.text(PAGE)
    assert "Nobody is told" in browser.text("/settings")


def test_email_is_set_and_tried_at_once(console: ConsoleDesk, browser: Browser) -> None:
    answer = browser.post(f"{PAGE}/email", **EMAIL)

    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert console.desk.notifier.show().notifier == EmailNotifier(
        "mx.example",
        465,
        MailEncryption.TLS,
        "box@example.com",
        ("admin@example.com", "night@example.com"),
        "box",
    )
    assert len(console.desk.channels.sent) == 1
    page = browser.text(PAGE)
    assert "The test message was taken." in page
    assert 'value="mx.example"' in page
    assert EMAIL["password"] not in page
    assert console.audit.lines[-1] == "admin from 127.0.0.1: set notifier e-mail"
    assert "admin@example.com, night@example.com" in browser.text("/settings")


def test_a_webhook_takes_its_place_and_shows_no_key(console: ConsoleDesk, browser: Browser) -> None:
    browser.post(f"{PAGE}/email", **EMAIL)
    browser.post(f"{PAGE}/webhook", **WEBHOOK)

    assert console.desk.notifier.show().notifier == WebhookNotifier("https://hooks.example/in")
    page = browser.text(PAGE)
    assert "https://hooks.example/in" in page
    assert WEBHOOK["key_password"] not in page


def test_a_test_that_fails_says_why_and_keeps_the_settings(console: ConsoleDesk, browser: Browser) -> None:
    console.desk.channels.failure = AWAY
    answer = browser.post(f"{PAGE}/email", **EMAIL)

    assert (answer.status_code, "KL-7001" in answer.text) == (502, True)
    assert console.desk.notifier.show().notifier is not None
    assert browser.post(f"{PAGE}/tests").status_code == 502
    console.desk.channels.failure = None
    assert browser.post(f"{PAGE}/tests").status_code == 303


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"port": "x"}, "KL-1210"),
        ({"encryption": "rot13"}, "KL-1210"),
        ({"recipients": "nobody"}, "KL-1220"),
        ({"password": ""}, "KL-1220"),
        ({"authorities": "nonsense"}, "KL-1222"),
    ],
)
def test_a_wrong_field_is_named_and_the_others_stay(
    console: ConsoleDesk, browser: Browser, change: dict[str, str], code: str
) -> None:
    answer = browser.post(f"{PAGE}/email", **{**EMAIL, "authorities": "", **change})
    assert (answer.status_code, code in answer.text) == (400, True)
    assert 'value="mx.example"' in answer.text
    assert EMAIL["password"] not in answer.text
    assert console.desk.notifier.show().notifier is None


def test_a_wrong_webhook_is_refused(browser: Browser) -> None:
    answer = browser.post(f"{PAGE}/webhook", **{**WEBHOOK, "url": "http://hooks.example/"})

    assert (answer.status_code, "KL-1220" in answer.text) == (400, True)
    assert 'value="http://hooks.example/"' in answer.text


def test_the_notifier_is_removed(console: ConsoleDesk, browser: Browser) -> None:
    browser.post(f"{PAGE}/email", **EMAIL)
    browser.post(f"{PAGE}/removal")

    assert console.desk.notifier.show().notifier is None
    assert "nobody is told of failed nights" in browser.text(PAGE)


def test_a_message_that_cannot_be_delivered_is_a_duty(console: ConsoleDesk, browser: Browser) -> None:
    desk = console.desk
    browser.post(f"{PAGE}/email", **EMAIL)
    told = replace(notice(), at=desk.clock.now())
    desk.notifier_store.record(lambda facts: [told], timedelta(hours=26), desk.clock.now())
    desk.channels.failure = AWAY
    desk.notifier_keeper.deliver()
    since = f"since {desk.clock.now():%d %b %H:%M} UTC"

    assert f"A notification could not be delivered {since}" in browser.text("/")
    page = browser.text(PAGE)
    assert f"A message cannot be delivered {since}" in page
    assert "nightly: the backup of web-01 failed" in page
    assert "Waits" in page


@pytest.mark.parametrize("action", ["email", "webhook", "tests", "removal"])
def test_a_stranger_sets_nothing(console: ConsoleDesk, stranger: Browser, action: str) -> None:
    assert stranger.client.post(f"{PAGE}/{action}", data=EMAIL).status_code == 401
    assert console.desk.notifier.show().notifier is None

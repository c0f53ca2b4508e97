from __future__ import annotations

from pathlib import Path

import pytest

from appliance.model.notifications import MailEncryption
from appliance.notifications import ReceiverUnreachableError
from tests.fakes.appliance import Answer, Terminal

PASSWORD = "a password from a file"
EMAIL = ("notifier", "set-email", "admin@example.com", "--host", "mx.example", "--from", "box@example.com")


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """The name of a file with a password."""
    file = tmp_path / "secret"
    file.write_text(f"{PASSWORD}\n")
    return str(file)


def set_email(terminal: Terminal, secret: str) -> Answer:
    return terminal.call(*EMAIL, "--user", "box", "--password-file", secret)


def test_email_is_set_and_shown_without_its_password(terminal: Terminal, secret: str) -> None:
    answer = set_email(terminal, secret)
    assert (answer.status, answer.output) == (
        0,
        "the notifier is set: e-mail to admin@example.com by mx.example:587\n",
    )
    shown = terminal.call("notifier", "show", "--json")
    settings = shown.document["notifier"]["settings"]
    assert shown.document["notifier"]["kind"] == "email"
    assert (settings["encryption"], settings["user"]) == (MailEncryption.STARTTLS, "box")
    assert PASSWORD not in answer.errors + shown.output + terminal.call("notifier", "show").output


def test_a_webhook_takes_the_place_of_email(terminal: Terminal, secret: str) -> None:
    set_email(terminal, secret)
    answer = terminal.call("notifier", "set-webhook", "https://hooks.example/in", "--key-file", secret)
    assert answer.status == 0
    shown = terminal.call("notifier", "show").output
    assert shown.splitlines() == [
        "notifier     webhook https://hooks.example/in",
        "delivery     works, 0 wait",
    ]


def test_a_test_message_ends_like_its_delivery(terminal: Terminal, secret: str) -> None:
    set_email(terminal, secret)
    assert terminal.call("notifier", "test").status == 0
    terminal.desk.channels.failure = ReceiverUnreachableError("mx.example:587", "no route")
    answer = terminal.call("notifier", "test")
    assert answer.status == 9
    assert "mx.example:587 cannot be reached: no route (KL-7001)" in answer.errors
    assert terminal.call("notifier", "test", "--json").document["error"]["code"] == "KL-7001"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("notifier", "test"), "KL-1221"),
        (("notifier", "remove"), "KL-1221"),
        ((*EMAIL, "--encryption", "none", "--user", "box", "--password-file", "SECRET"), "KL-1220"),
        ((*EMAIL, "--ca-file", "/nowhere"), "KL-1103"),
        ((*EMAIL, "--ca-file", "SECRET"), "KL-1222"),
        ((*EMAIL, "--user", "box", "--password-file", "/nowhere"), "KL-1101"),
        (("notifier", "set-webhook", "http://hooks.example/", "--key-file", "SECRET"), "KL-1220"),
        (("notifier", "set-email", "a@example.com"), "KL-1100"),
    ],
)
def test_what_is_wrong_is_said_with_its_code(
    terminal: Terminal, secret: str, arguments: tuple[str, ...], code: str
) -> None:
    answer = terminal.call(*(secret if each == "SECRET" else each for each in arguments))
    assert answer.status == 2
    assert f"({code})" in answer.errors
    assert terminal.call("notifier", "show").output == "no notifier is set\n"


def test_a_check_tells_and_fails_where_nothing_can_be_delivered(terminal: Terminal, secret: str) -> None:
    set_email(terminal, secret)
    assert terminal.call("notifier", "check").output == "nothing to tell\n"
    desk = terminal.desk
    desk.is_engine_running = False
    terminal.call("policy", "add", "nightly", "--schedule", "30 2 * * *", "--vm", "*")
    desk.clock.current = desk.clock.current.replace(day=2, hour=4)
    desk.channels.failure = ReceiverUnreachableError("mx.example:587", "no route")
    answer = terminal.call("notifier", "check")
    assert answer.status == 9
    title = "nightly: no backups: nobody took it up when it was due at 2026-01-02 02:30 UTC"
    assert answer.output == f"found     {title}\n"
    assert "(KL-7001)" in answer.errors
    shown = terminal.call("notifier", "show")
    assert "delivery     fails since 2026-01-02 04:00:00Z, 1 wait" in shown.output
    assert f"message      2026-01-02 04:00:00Z pending: {title}" in shown.output

    desk.channels.failure = None
    desk.clock.sleep(60)
    assert terminal.call("notifier", "check", "--json").document["delivered"][0]["title"] == title
    assert terminal.call("notifier", "check").output == "nothing to tell\n"


def test_a_removed_notifier_is_gone(terminal: Terminal, secret: str) -> None:
    set_email(terminal, secret)
    assert terminal.call("notifier", "remove").output == "the notifier is removed\n"
    assert terminal.call("notifier", "show", "--json").document["notifier"] is None

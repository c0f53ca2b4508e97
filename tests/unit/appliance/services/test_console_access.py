from __future__ import annotations

import pytest

from appliance.services import (
    ConsoleAccessService,
    ConsolePasswordTooShortError,
    NoConsolePasswordError,
    SignInRefusedError,
    TooManySignInsError,
)
from appliance.services.sign_in_limit import FREE_ATTEMPTS
from appliance.state import AuditFile
from tests.fakes.console import PASSWORD, ConsoleDesk
from tests.fakes.services import Desk

HERE = "127.0.0.1"


@pytest.fixture
def console(desk: Desk) -> ConsoleDesk:
    return ConsoleDesk(desk)


def test_the_password_lets_in_and_leaves_a_line(console: ConsoleDesk) -> None:
    console.services.access.sign_in(PASSWORD, HERE)

    assert console.audit.lines == ["admin from 127.0.0.1: sign in"]


def test_another_password_does_not(console: ConsoleDesk) -> None:
    with pytest.raises(SignInRefusedError):
        console.services.access.sign_in("a guess", HERE)

    assert console.audit.lines == ["admin from 127.0.0.1: sign in refused"]


def test_nobody_gets_in_before_a_password_was_set(console: ConsoleDesk) -> None:
    console.passwords.password = ""

    with pytest.raises(NoConsolePasswordError):
        console.services.access.sign_in("", HERE)


def test_whoever_guesses_too_often_waits_even_with_the_right_one(console: ConsoleDesk) -> None:
    access = console.services.access
    for _ in range(FREE_ATTEMPTS):
        with pytest.raises(SignInRefusedError):
            access.sign_in("a guess", HERE)

    with pytest.raises(TooManySignInsError, match="wait 5 seconds"):
        access.sign_in(PASSWORD, HERE)
    console.desk.clock.sleep(5)
    access.sign_in(PASSWORD, HERE)


def test_a_short_password_is_refused(console: ConsoleDesk) -> None:
    with pytest.raises(ConsolePasswordTooShortError):
        console.services.access.set_password("elevenchars", HERE)

    console.services.access.sign_in(PASSWORD, HERE)


def test_a_new_password_changes_the_stamp(console: ConsoleDesk) -> None:
    before = console.services.access.stamp()
    console.services.access.set_password("another long password", HERE)

    assert console.services.access.stamp() != before
    console.services.access.sign_in("another long password", HERE)


def test_a_full_disk_under_the_audit_trail_locks_nobody_out(console: ConsoleDesk) -> None:
    nowhere = AuditFile(console.desk.folder / "is not there")
    ConsoleAccessService(console.passwords, nowhere, console.desk.clock).sign_in(PASSWORD, HERE)

"""A failed night told by e-mail: real processes, a real mail server, and a secret that nobody sees."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.model.policies import Selection
from appliance.state import NotifierStore, Outbox, PolicyStore, open_database
from keepline_lab.control import CallFault
from tests.fakes.certificates import TestAuthority, make_authority
from tests.fakes.mail_server import MailRules, MailServer, mail_server
from tests.fakes.policies import policy
from tests.simulated.cli.shell import Shell, traces_of
from tests.waiting import PATIENCE_SECONDS, wait_until

PASSWORD = "a canary that sings in the mine"


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    return make_authority(tmp_path)


@pytest.fixture
def mail(authority: TestAuthority) -> Iterator[MailServer]:
    with mail_server(MailRules(authority.server_context(), accounts={"keepline": PASSWORD})) as server:
        yield server


def set_notifier(shell: Shell, port: int, authority: TestAuthority, password: str = PASSWORD) -> None:
    """E-mail to a server on loopback."""
    secret, trusted = shell.folder / "secret", shell.folder / "authority.pem"
    secret.write_text(f"{password}\n")
    trusted.write_text(authority.authority)
    shell.call(
        *("notifier", "set-email", "admin@example.com", "--from", "keepline@example.com"),
        *("--host", "127.0.0.1", "--port", str(port), "--user", "keepline"),
        *("--password-file", str(secret), "--ca-file", str(trusted)),
    )
    secret.unlink()


def let_a_due_time_come(shell: Shell, age: timedelta) -> None:
    """A policy that was due so long ago for the last time, and for the first."""
    due = datetime.now(UTC) - age
    with open_database(shell.state_folder) as database:
        PolicyStore(database).add(
            policy(
                cron=f"{due:%M} {due:%H} * * *",
                vcenter=shell.lab.address.host,
                selection=Selection(names=("web-*",)),
                active_since=due - timedelta(hours=1),
            )
        )


def refuse_snapshots(shell: Shell) -> None:
    """From now on, in a way that no repetition would mend."""
    shell.lab.control.add_fault(
        CallFault("CreateSnapshot_Task", "task_fault", count=100, fault="NoPermission")
    )


def outbox_of(shell: Shell) -> Outbox:
    with open_database(shell.state_folder) as database:
        return NotifierStore(database).outbox()


def stop(engine: subprocess.Popen[str]) -> str:
    """Ask the engine to stop; everything it said."""
    engine.send_signal(signal.SIGTERM)
    output, errors = engine.communicate(timeout=PATIENCE_SECONDS)
    assert engine.returncode == 0, errors
    return output + errors


def test_a_machine_that_fails_is_one_mail_and_the_password_is_nowhere(
    shell: Shell, mail: MailServer, authority: TestAuthority
) -> None:
    shell.set_up()
    set_notifier(shell, mail.port, authority)
    let_a_due_time_come(shell, timedelta(minutes=5))
    refuse_snapshots(shell)
    with shell.started("engine") as engine:
        wait_until(lambda: mail.mails, "the mail has come")
        traces = traces_of(engine.pid)
        said = stop(engine)
    said += shell.call("notifier", "check").stdout + shell.call("notifier", "show", "--json").stdout

    (told,) = mail.mails
    assert (told.encrypted, told.user, told.recipients) == (True, "keepline", ("admin@example.com",))
    assert told.message["Subject"].endswith("] nightly: the backup of web-01 failed")
    assert "* web-01: " in told.text
    assert "(KL-2005)" in told.text
    assert "no good recovery point yet" in told.text
    assert "notice delivered" in said  # the log was on, at its loudest
    assert PASSWORD not in said + traces
    kept = [path for path in shell.state_folder.rglob("*") if path.is_file()]
    assert "keepline.sqlite" in [path.name for path in kept]
    assert [path.name for path in kept if PASSWORD.encode() in path.read_bytes()] == []


def test_a_mail_server_that_is_away_holds_nothing_up_and_gets_the_mail_later(
    shell: Shell, mail: MailServer, authority: TestAuthority
) -> None:
    shell.set_up()
    with closing(socket.create_server(("127.0.0.1", 0))) as nobody:
        port = nobody.getsockname()[1]
    set_notifier(shell, port, authority)
    let_a_due_time_come(shell, timedelta(minutes=5))
    refuse_snapshots(shell)
    with shell.started("engine") as engine:
        wait_until(lambda: outbox_of(shell).failing is not None, "delivery has failed")
        stop(engine)
    assert "(KL-7001)" in shell.call("notifier", "show").stderr

    set_notifier(shell, mail.port, authority)
    assert "delivered nightly: the backup of web-01 failed" in shell.call("notifier", "check").stdout
    assert len(mail.mails) == 1


def test_two_that_notice_a_dead_engine_at_once_send_one_mail(
    shell: Shell, mail: MailServer, authority: TestAuthority
) -> None:
    shell.set_up()
    set_notifier(shell, mail.port, authority)
    let_a_due_time_come(shell, timedelta(hours=2))
    with shell.started("notifier", "check") as first, shell.started("notifier", "check") as second:
        for process in (first, second):
            _, errors = process.communicate(timeout=PATIENCE_SECONDS)
            assert process.returncode == 0, errors
    shell.call("notifier", "check")
    (told,) = mail.mails
    assert "nightly: no backups: nobody took it up when it was due" in told.message["Subject"]
    assert "No engine is running." in told.text


def test_a_test_message_ends_with_what_the_server_said(
    shell: Shell, mail: MailServer, authority: TestAuthority
) -> None:
    shell.set_up()
    set_notifier(shell, mail.port, authority, "another password")
    refused = shell.call("notifier", "test", status=9)
    assert "535 5.7.8 authentication credentials invalid (KL-7004)" in refused.stderr
    assert "another password" not in refused.stderr
    set_notifier(shell, mail.port, authority)
    assert shell.call("notifier", "test").stdout == "the test message was taken\n"
    assert len(mail.mails) == 1

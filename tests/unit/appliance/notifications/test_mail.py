from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import replace

import pytest

from appliance.errors import NotificationError
from appliance.model.notifications import EmailNotifier, MailEncryption
from appliance.notifications import (
    AuthoritiesUnusableError,
    CertificateNotTrustedError,
    EncryptionNotOfferedError,
    LoginRefusedError,
    MessageRefusedError,
    ReceiverUnreachableError,
    RecipientsRefusedError,
    open_channel,
)
from tests.fakes.certificates import TestAuthority
from tests.fakes.mail_server import MailRules, MailServer, mail_server
from tests.fakes.notices import ORIGIN, failed_machine, notice

PASSWORD = "correct horse battery"
TO = ("admin@example.com", "night@example.com")


def notifier_of(
    server: MailServer, authority: TestAuthority, encryption: MailEncryption = MailEncryption.STARTTLS
) -> EmailNotifier:
    user = "" if encryption is MailEncryption.NONE else "keepline"
    return EmailNotifier(
        "127.0.0.1", server.port, encryption, "backup@example.com", TO, user, authority.authority
    )


def rules_of(authority: TestAuthority) -> MailRules:
    return MailRules(authority.server_context(), accounts={"keepline": PASSWORD})


@pytest.mark.parametrize("encryption", [MailEncryption.STARTTLS, MailEncryption.TLS])
def test_a_message_goes_to_all_recipients_encrypted_and_logged_in(
    authority: TestAuthority, encryption: MailEncryption
) -> None:
    rules = replace(rules_of(authority), tls=encryption is MailEncryption.TLS)
    with mail_server(rules) as server:
        delivery = open_channel(notifier_of(server, authority, encryption), PASSWORD).send(
            notice(failed_machine()), ORIGIN
        )

    assert delivery.refused == ()
    (mail,) = server.mails
    assert (mail.sender, mail.recipients) == ("backup@example.com", TO)
    assert (mail.encrypted, mail.user) == (True, "keepline")
    assert mail.message["Subject"] == "[Keepline box] nightly: the backup of web-01 failed"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    body = mail.text
    assert "* web-01: vCenter refused the snapshot (KL-2052)\n  Look at the task." in body
    assert "last good recovery point of 2026-11-21 02:30, 26 h old" in body
    assert "Keepline on box, installation abc" in body


def test_without_encryption_nothing_is_logged_in(authority: TestAuthority) -> None:
    with mail_server(MailRules()) as server:
        open_channel(notifier_of(server, authority, MailEncryption.NONE), "").send(notice(), ORIGIN)

    assert [(mail.encrypted, mail.user) for mail in server.mails] == [(False, "")]


def test_the_same_notice_has_the_same_message_id(authority: TestAuthority) -> None:
    with mail_server(rules_of(authority)) as server:
        channel = open_channel(notifier_of(server, authority), PASSWORD)
        for each in (notice(), notice(), notice(key="night/p@2")):
            channel.send(each, ORIGIN)

    first, second, other = (mail.message["Message-ID"] for mail in server.mails)
    assert first == second != other


def test_a_name_that_would_be_a_header_stays_in_the_subject(authority: TestAuthority) -> None:
    title = "the backup of web\r\nBcc: thief@example.com\n failed"
    with mail_server(rules_of(authority)) as server:
        open_channel(notifier_of(server, authority), PASSWORD).send(notice(title=title), ORIGIN)

    (mail,) = server.mails
    assert mail.message["Subject"].endswith("the backup of web Bcc: thief@example.com failed")
    assert mail.message["Bcc"] is None
    assert mail.recipients == TO


def test_a_long_line_a_lone_dot_and_any_letter_arrive(authority: TestAuthority) -> None:
    machine = replace(failed_machine("сервер-🖥"), message="x" * 5000, remedy=".")
    with mail_server(rules_of(authority)) as server:
        open_channel(notifier_of(server, authority), PASSWORD).send(notice(machine), ORIGIN)

    body = server.mails[0].text
    assert "сервер-🖥: " + "x" * 5000 in body


def test_a_refused_recipient_does_not_keep_the_others_from_the_message(authority: TestAuthority) -> None:
    rules = replace(rules_of(authority), refused_recipients=frozenset({TO[0]}))
    with mail_server(rules) as server:
        delivery = open_channel(notifier_of(server, authority), PASSWORD).send(notice(), ORIGIN)

    assert [mail.recipients for mail in server.mails] == [TO[1:]]
    assert delivery.refused == ("admin@example.com: 550 5.1.1 user unknown",)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"starttls": False}, EncryptionNotOfferedError, "does not offer STARTTLS"),
        ({"accounts": {"keepline": "other"}}, LoginRefusedError, "535 5.7.8"),
        ({"accounts": {}}, LoginRefusedError, "offers no log-in"),
        ({"refused_recipients": frozenset(TO)}, RecipientsRefusedError, "user unknown; night@"),
        ({"refused_senders": frozenset({"backup@example.com"})}, MessageRefusedError, "553 5.7.1"),
        ({"refuses_content": True}, MessageRefusedError, "554 5.7.1 looks like spam"),
        ({"closes_at": "EHLO"}, ReceiverUnreachableError, "closed"),
        ({"closes_at": "RCPT"}, ReceiverUnreachableError, "closed"),
        ({"closes_at": "DATA"}, ReceiverUnreachableError, "closed"),
    ],
)
def test_what_the_server_refuses_is_one_error_with_its_answer(
    authority: TestAuthority, change: dict[str, object], error: type[NotificationError], words: str
) -> None:
    with mail_server(replace(rules_of(authority), **change)) as server:
        channel = open_channel(notifier_of(server, authority), PASSWORD)
        with pytest.raises(error, match=words) as caught:
            channel.send(notice(), ORIGIN)

    assert server.mails == []
    assert PASSWORD not in str(caught.value)


def test_no_password_is_sent_before_the_server_is_trusted(
    authority: TestAuthority, elsewhere: TestAuthority
) -> None:
    with mail_server(rules_of(elsewhere)) as server:
        for trusted in (authority, elsewhere):  # another authority; the right one, for another name
            channel = open_channel(notifier_of(server, trusted), PASSWORD)
            with pytest.raises(CertificateNotTrustedError, match=r"127\.0\.0\.1"):
                channel.send(notice(), ORIGIN)

    assert {command.partition(" ")[0].upper() for command in server.said} == {"EHLO", "STARTTLS"}


def test_the_systems_authorities_do_not_vouch_for_everybody(authority: TestAuthority) -> None:
    with mail_server(rules_of(authority)) as server:
        channel = open_channel(replace(notifier_of(server, authority), authorities=""), PASSWORD)
        with pytest.raises(CertificateNotTrustedError):
            channel.send(notice(), ORIGIN)


def test_tls_where_none_is_spoken_is_said(authority: TestAuthority) -> None:
    with mail_server(rules_of(authority)) as server:
        channel = open_channel(notifier_of(server, authority, MailEncryption.TLS), PASSWORD)
        with pytest.raises(EncryptionNotOfferedError):
            channel.send(notice(), ORIGIN)


def test_a_port_where_nobody_listens_is_said(authority: TestAuthority) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    notifier = EmailNotifier("127.0.0.1", port, MailEncryption.NONE, "a@example.com", ("b@example.com",))
    with pytest.raises(ReceiverUnreachableError, match="refused"):
        open_channel(notifier, "").send(notice(), ORIGIN)


def test_own_authorities_must_be_certificates(authority: TestAuthority) -> None:
    notifier = EmailNotifier(
        "127.0.0.1", 25, MailEncryption.TLS, "a@example.com", ("b@example.com",), authorities="nonsense"
    )
    with pytest.raises(AuthoritiesUnusableError):
        open_channel(notifier, "")

from __future__ import annotations

import json
import socket
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from appliance.errors import NotificationError
from appliance.model.notifications import WebhookNotifier
from appliance.notifications import (
    SCHEMA,
    CertificateNotTrustedError,
    EncryptionNotOfferedError,
    PlainHttpRefusedError,
    ReceiverUnreachableError,
    WebhookFailedError,
    WebhookMovedError,
    WebhookRefusedError,
    open_channel,
    signature_of,
)
from appliance.notifications.deadline import cut_off_after
from appliance.notifications.documents import document_of
from appliance.notifications.webhook import _is_private
from tests.fakes.certificates import TestAuthority
from tests.fakes.notices import ORIGIN, failed_machine, notice
from tests.fakes.webhook_receiver import ReceiverRules, WebhookReceiver, webhook_receiver

KEY = "a key of thirty-two letters or so"


def notifier_of(receiver: WebhookReceiver, authority: TestAuthority) -> WebhookNotifier:
    return WebhookNotifier(f"https://127.0.0.1:{receiver.port}/in?box=1", authorities=authority.authority)


def test_a_message_is_posted_signed_and_whole(authority: TestAuthority) -> None:
    with webhook_receiver(ReceiverRules(KEY), authority.server_context()) as receiver:
        open_channel(notifier_of(receiver, authority), KEY).send(notice(failed_machine()), ORIGIN)

    (post,) = receiver.posts
    assert post.path == "/in?box=1"
    document = post.document
    assert document.pop("text").startswith("nightly: the backup of web-01 failed\n")
    assert document == {
        "schema": SCHEMA,
        "id": "night/p@1",
        "kind": "failed",
        "at": "2026-11-22T04:30:00Z",
        "appliance": {"name": "box", "installation": "abc"},
        "policy": "nightly",
        "due_at": "2026-11-22T02:30:00Z",
        "title": "nightly: the backup of web-01 failed",
        "reason": None,
        "machine_count": 1,
        "machines": [
            {
                "name": "web-01",
                "trouble": "failed",
                "run": "20261122T023000Z-00000001",
                "last_point_at": "2026-11-21T02:30:00Z",
                "missing_disks": [],
                "error": {
                    "code": "KL-2052",
                    "message": "vCenter refused the snapshot",
                    "remedy": "Look at the task.",
                },
            }
        ],
    }


def test_a_second_copy_is_the_same_bytes() -> None:
    assert document_of(notice(failed_machine()), ORIGIN) == document_of(notice(failed_machine()), ORIGIN)


def test_the_signature_is_the_one_of_the_documentation() -> None:
    # echo -n '{}' | openssl dgst -sha256 -hmac key
    assert (
        signature_of("key", b"{}")
        == "sha256=a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032"
    )


def test_a_whole_estate_is_counted_and_not_listed() -> None:
    machines = [failed_machine(f"web-{number}") for number in range(5000)]
    document = json.loads(document_of(notice(*machines), ORIGIN))

    assert document["machine_count"] == 5000
    assert len(document["machines"]) == 1000
    assert "* and 4800 more: see `keepline run list`" in document["text"]
    assert "Failed: 5000" in document["text"]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"signing_key": "another"}, WebhookRefusedError, "401 the signature does not fit"),
        ({"status": 404, "body": "no\nsuch hook"}, WebhookRefusedError, "404 no such hook"),
        ({"status": 429}, WebhookFailedError, "429"),
        ({"status": 500, "body": "x" * 10_000}, WebhookFailedError, "500 x"),
        ({"status": 302, "location": "https://other.example/"}, WebhookMovedError, "other.example"),
        ({"status": 307, "location": ""}, WebhookMovedError, "nowhere"),
    ],
)
def test_an_answer_that_is_no_yes_is_one_error(
    authority: TestAuthority, change: dict[str, object], error: type[NotificationError], words: str
) -> None:
    rules = replace(ReceiverRules(KEY), **change)
    with webhook_receiver(rules, authority.server_context()) as receiver:
        with pytest.raises(error, match=words) as caught:
            open_channel(notifier_of(receiver, authority), KEY).send(notice(), ORIGIN)
        assert receiver.requests == 1

    assert len(str(caught.value)) < 500
    assert KEY not in str(caught.value)


def test_nothing_is_sent_to_a_receiver_that_is_not_trusted(
    authority: TestAuthority, elsewhere: TestAuthority
) -> None:
    with webhook_receiver(ReceiverRules(KEY), elsewhere.server_context()) as receiver:
        for trusted in (authority, elsewhere):  # another authority; the right one, for another name
            with pytest.raises(CertificateNotTrustedError):
                open_channel(notifier_of(receiver, trusted), KEY).send(notice(), ORIGIN)
        assert receiver.requests == 0


def test_https_where_http_is_spoken_is_said(authority: TestAuthority) -> None:
    with webhook_receiver(ReceiverRules(KEY)) as receiver, pytest.raises(EncryptionNotOfferedError):
        open_channel(notifier_of(receiver, authority), KEY).send(notice(), ORIGIN)


def test_http_goes_to_a_private_address_only() -> None:
    with webhook_receiver(ReceiverRules(KEY)) as receiver:
        private = WebhookNotifier(f"http://127.0.0.1:{receiver.port}/", allow_http=True)
        open_channel(private, KEY).send(notice(), ORIGIN)
        assert len(receiver.posts) == 1
    public = WebhookNotifier("http://203.0.113.9/", allow_http=True)
    with pytest.raises(PlainHttpRefusedError, match=r"203\.0\.113\.9"):
        open_channel(public, KEY).send(notice(), ORIGIN)


@pytest.mark.parametrize(
    ("address", "is_private"),
    [
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("172.32.0.1", False),
        ("192.168.9.9", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("fd00::1", True),
        ("169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("0.0.0.1", False),
        ("::ffff:8.8.8.8", False),
        ("8.8.8.8", False),
    ],
)
def test_private_is_what_is_nobody_elses(address: str, *, is_private: bool) -> None:
    assert _is_private(address) is is_private


@pytest.mark.parametrize(
    ("spoken", "error"),
    [
        (b"220 mail.example ESMTP\r\n", WebhookRefusedError),
        (b"", WebhookRefusedError | ReceiverUnreachableError),
    ],
)
def test_a_server_that_speaks_something_else_is_said(spoken: bytes, error: type[NotificationError]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def speak() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(spoken)

        speaker = threading.Thread(target=speak)
        speaker.start()
        notifier = WebhookNotifier(f"http://127.0.0.1:{listener.getsockname()[1]}/", allow_http=True)
        with pytest.raises(NotificationError) as caught:
            open_channel(notifier, KEY).send(notice(), ORIGIN)
        speaker.join()
    assert isinstance(caught.value, error)


def test_a_conversation_without_an_end_is_cut_off() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, cut_off_after(0.05, lambda: ours):
        assert ours.recv(1) == b""

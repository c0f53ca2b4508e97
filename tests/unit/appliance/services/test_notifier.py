from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.model.documents import to_json
from appliance.model.identifiers import RecoveryPointId
from appliance.model.notifications import MailEncryption, NoticeKind, WebhookNotifier
from appliance.model.recovery_points import Consistency, DiskStatistics
from appliance.model.results import BackupResult
from appliance.model.runs import Run, RunFailure, RunOutcome, RunState
from appliance.notifications import ReceiverUnreachableError, RecipientsRefusedError
from appliance.security import SecretSealer, SecretUnreadableError
from appliance.services import (
    NewEmailNotifier,
    NewPolicy,
    NewWebhookNotifier,
    NoNotifierError,
    NotifierCourier,
    NotifierKeeper,
    NotifierRefusedError,
    NotifierService,
)
from appliance.services.notifier_keeper import CLAIM, GIVEN_UP_AFTER, PAUSES
from appliance.state import NoticeState
from tests.fakes.notices import ORIGIN
from tests.fakes.services import KEY, Desk
from tests.fakes.vcenters import machine

EMAIL = NewEmailNotifier(
    "mx.example", 587, MailEncryption.STARTTLS, "a@example.com", ("b@example.com",), "a", "a password"
)
WEBHOOK = NewWebhookNotifier("https://hooks.example/in", "sixteen letters!")
AWAY = ReceiverUnreachableError("mx.example:587", "no route")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """With two machines, a policy of half past two, and e-mail set; it is midnight."""
    desk.equipped().gateway.inventory = [machine("web-1", 1), machine("web-2", 2)]
    desk.policies.add(NewPolicy("nightly", "main", "30 2 * * *", names=("web-*",)))
    desk.notifier.set_email(EMAIL)
    return desk


def move_to(desk: Desk, text: str) -> None:
    desk.clock.current = datetime.fromisoformat(text).replace(tzinfo=UTC)


def end(desk: Desk, state: RunState, failure: RunFailure | None = None) -> Run:
    """End the oldest run that waits."""
    claimed = desk.run_store.claim_next(desk.clock.now())
    assert claimed is not None
    if failure is not None:
        return desk.run_store.end_with(claimed, state, failure, desk.clock.now())
    result = BackupResult(
        RecoveryPointId(claimed.id), "web", Consistency.CRASH, (), (), DiskStatistics(), 0.0
    )
    return desk.run_store.finish(claimed, RunOutcome(state, to_json(result).decode()), desk.clock.now())


FAILURE = RunFailure("KL-2052", "vCenter refused the snapshot", "Look at the task.", 3)


def fail_a_night(desk: Desk, day: str = "2026-01-01") -> None:
    move_to(desk, f"{day}T02:30")
    desk.policy_keeper.wake()
    end(desk, RunState.FAILED, FAILURE)
    end(desk, RunState.SUCCEEDED)


def test_a_failed_night_is_one_message_that_says_all(desk: Desk) -> None:
    move_to(desk, "2026-01-01T02:30")
    desk.policy_keeper.wake()
    for _ in range(2):
        end(desk, RunState.SUCCEEDED)
    fail_a_night(desk, "2026-01-02")
    for _ in range(3):
        desk.policy_keeper.wake()
        desk.notifier_keeper.wake()
    (told,) = desk.channels.sent
    assert told.title == "nightly: the backup of web-1 failed"
    (failed,) = told.machines
    assert (failed.code, failed.message, failed.remedy) == (FAILURE.code, FAILURE.message, FAILURE.remedy)
    assert failed.last_point_at == datetime(2026, 1, 1, 2, 30, tzinfo=UTC)


def test_a_check_from_outside_does_the_same_and_neither_tells_twice(desk: Desk) -> None:
    fail_a_night(desk)
    report = desk.notifier_keeper.check()
    assert [notice.kind for notice in report.told] == [NoticeKind.FAILED]
    assert report.delivered == report.told
    assert report.failure is None
    desk.policy_keeper.wake()
    desk.notifier_keeper.wake()
    again = desk.notifier_keeper.check()
    assert (again.told, again.delivered) == ((), ())
    assert len(desk.channels.sent) == 1


def test_a_transient_failure_waits_for_its_repetitions(desk: Desk) -> None:
    move_to(desk, "2026-01-01T02:30")
    desk.policy_keeper.wake()
    end(desk, RunState.FAILED, replace(FAILURE, transient=True))
    end(desk, RunState.SUCCEEDED)
    for _ in range(120):
        desk.policy_keeper.wake()
        if desk.run_store.claim_next(desk.clock.now()) is not None:
            break
        assert desk.notifier_keeper.check().told == ()
        desk.clock.current += MINUTE
    else:
        raise AssertionError("the engine did not repeat it")


def test_a_dead_engine_is_noticed_from_outside_with_the_reason(desk: Desk) -> None:
    desk.is_engine_running = False
    move_to(desk, "2026-01-01T03:30")
    (told,) = desk.notifier_keeper.check().delivered
    assert told.kind is NoticeKind.SILENCE
    assert told.reason is not None
    assert told.reason.text == "No engine is running."
    assert desk.notifier_keeper.check().told == ()

    desk.is_engine_running = True
    desk.policy_keeper.wake()
    for _ in range(2):
        end(desk, RunState.SUCCEEDED)
    assert desk.notifier_keeper.check().told == ()  # the point must be newer than what was told
    desk.clock.current += 24 * HOUR
    desk.policy_keeper.wake()
    for _ in range(2):
        end(desk, RunState.SUCCEEDED)
    assert [notice.kind for notice in desk.notifier_keeper.check().delivered] == [NoticeKind.WORKS_AGAIN]


def test_a_vcenter_that_is_away_is_the_reason_of_silence(desk: Desk) -> None:
    desk.gateway.password = "changed"
    move_to(desk, "2026-01-01T02:30")
    for _ in range(61):
        desk.policy_keeper.wake()
        desk.clock.current += MINUTE
    (told,) = desk.notifier_keeper.deliver().delivered
    assert told.reason is not None
    assert told.reason.text.startswith("vCenter main cannot be used: ")
    assert told.reason.code == "KL-2003"


def test_an_engine_that_catches_up_at_its_start_is_no_silence(desk: Desk) -> None:
    move_to(desk, "2026-01-01T08:00")
    desk.policy_keeper.wake()
    assert desk.notifier_keeper.deliver().delivered == ()


def test_a_policy_that_means_nothing_is_told(desk: Desk) -> None:
    desk.gateway.inventory = []
    move_to(desk, "2026-01-01T02:30")
    desk.policy_keeper.wake()
    assert [notice.kind for notice in desk.notifier_keeper.deliver().delivered] == [
        NoticeKind.NOTHING_SELECTED
    ]


def test_delivery_that_fails_is_tried_again_with_growing_pauses_and_shown(desk: Desk) -> None:
    fail_a_night(desk)
    desk.policy_keeper.wake()
    began = desk.clock.now()
    desk.channels.failure = AWAY
    pauses = []
    for _ in range(len(PAUSES) + 1):
        tried = desk.clock.now()
        assert desk.notifier_keeper.wake() is not None
        assert desk.notifier_keeper.deliver().failure is None  # not due: nothing is tried
        next_try = desk.notifier_keeper.wake()
        assert next_try is not None
        pauses.append(next_try - tried)
        desk.clock.current = next_try
    assert pauses == [*PAUSES, PAUSES[-1]]
    failing = desk.notifier.failing()
    assert failing is not None
    assert failing.failing_since == began
    assert failing.failure is not None
    assert failing.failure.code == "KL-7001"

    desk.channels.failure = None
    desk.notifier_keeper.wake()
    assert len(desk.channels.sent) == 1
    assert desk.notifier.failing() is None


def test_a_message_that_nobody_takes_for_a_week_is_given_up_and_not_forgotten(desk: Desk) -> None:
    fail_a_night(desk)
    desk.policy_keeper.wake()
    desk.channels.failure = AWAY
    desk.clock.current += GIVEN_UP_AFTER
    desk.notifier_keeper.wake()
    assert [each.state for each in desk.notifier.show().outbox.newest] == [NoticeState.GIVEN_UP]
    assert desk.notifier.failing() is not None
    assert desk.notifier_keeper.wake() is None


def test_a_sender_that_crashes_before_it_remembers_sends_again(desk: Desk) -> None:
    fail_a_night(desk)
    desk.policy_keeper.wake()
    now = desk.clock.now()
    assert desk.notifier_store.claim(now, now + CLAIM) is not None  # it dies here
    assert desk.notifier_keeper.deliver().delivered == ()
    desk.clock.current += CLAIM
    assert len(desk.notifier_keeper.deliver().delivered) == 1


def test_a_refused_recipient_is_remembered_and_nobody_gets_it_twice(desk: Desk) -> None:
    fail_a_night(desk)
    desk.policy_keeper.wake()
    desk.channels.refused = ("b@example.com: 550 unknown",)
    assert len(desk.notifier_keeper.deliver().delivered) == 1
    (stored,) = desk.notifier.show().outbox.newest
    assert stored.state is NoticeState.DELIVERED
    assert stored.failure is not None
    assert (stored.failure.code, "550 unknown" in stored.failure.message) == ("KL-7005", True)
    desk.clock.current += HOUR
    assert desk.notifier_keeper.deliver().delivered == ()


def test_without_a_notifier_nothing_is_noted_and_old_nights_stay_untold(desk: Desk) -> None:
    desk.notifier.remove()
    fail_a_night(desk)
    desk.policy_keeper.wake()
    assert desk.notifier_keeper.wake() is None
    assert desk.notifier_keeper.check().told == ()
    desk.clock.current += HOUR
    desk.notifier.set_webhook(WEBHOOK)
    assert desk.notifier_keeper.check().told == ()


def test_the_secret_is_sealed_for_its_destination_alone(desk: Desk) -> None:
    stored = desk.notifier_store.find()
    assert stored is not None
    assert stored.sealed_secret is not None
    assert b"a password" not in stored.sealed_secret
    desk.notifier.test()
    assert desk.channels.opened[-1] == (stored.notifier, "a password")

    moved = replace(stored, notifier=WebhookNotifier("https://thief.example/"))
    courier = NotifierCourier(SecretSealer(KEY), desk.channels.open, lambda: ORIGIN)
    fail_a_night(desk)
    (told,) = desk.notifier_keeper.check().told
    with pytest.raises(SecretUnreadableError):
        courier.send(moved, told)


def test_a_secret_that_cannot_be_opened_delays_and_ends_nothing(desk: Desk) -> None:
    fail_a_night(desk)
    other = NotifierCourier(SecretSealer(bytes(32)), desk.channels.open, lambda: ORIGIN)
    keeper = NotifierKeeper(desk.notifier_store, other, desk.notifier_keeper._reasons, desk.clock)
    report = keeper.check()
    assert isinstance(report.failure, SecretUnreadableError)
    assert keeper.wake() is not None


def test_a_test_message_is_told_at_once_or_its_error_is(desk: Desk) -> None:
    desk.notifier.test()
    assert [notice.kind for notice in desk.channels.sent] == [NoticeKind.TEST]
    desk.channels.refused = ("b@example.com: 550 unknown",)
    with pytest.raises(RecipientsRefusedError, match="550 unknown"):
        desk.notifier.test()
    desk.channels.failure = AWAY
    with pytest.raises(ReceiverUnreachableError):
        desk.notifier.test()
    assert desk.notifier.show().outbox.newest == ()


def test_without_a_notifier_nothing_can_be_tried_or_removed(desk: Desk) -> None:
    desk.notifier.remove()
    service: NotifierService = desk.notifier
    for each in (service.test, service.remove):
        with pytest.raises(NoNotifierError):
            each()
    assert service.show().notifier is None
    assert service.failing() is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"host": "mx example"}, "no host name"),
        ({"host": ""}, "no host name"),
        ({"port": 0}, "no TCP port"),
        ({"recipients": ()}, "nobody is named"),
        ({"recipients": ("Admin <a@example.com>",)}, "not a plain e-mail address"),
        ({"recipients": ("a@example.com\nBcc: b@example.com",)}, "not a plain e-mail address"),
        ({"sender": "root"}, "not a plain e-mail address"),
        ({"password": ""}, "belong together"),
        ({"user": ""}, "belong together"),
        ({"encryption": MailEncryption.NONE}, "not sent in the clear"),
    ],
)
def test_words_of_email_that_cannot_be_meant_are_refused(
    desk: Desk, change: dict[str, object], complaint: str
) -> None:
    before = desk.notifier.show().notifier
    with pytest.raises(NotifierRefusedError, match=complaint):
        desk.notifier.set_email(replace(EMAIL, **change))
    assert desk.notifier.show().notifier == before


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"url": "hooks.example/in"}, "no address of a webhook"),
        ({"url": "ftp://hooks.example/"}, "no address of a webhook"),
        ({"url": "http://hooks.example/"}, "without TLS"),
        ({"url": "https://user:secret@hooks.example/"}, "holds no user"),
        ({"url": "https://hooks.example:99999/"}, "[Pp]ort"),
        ({"url": "https://hooks.example/a b"}, "plain ASCII"),
        ({"url": "https://hooks.example/\r\nX: y"}, "plain ASCII"),
        ({"signing_key": "short"}, "at least 16"),
    ],
)
def test_words_of_a_webhook_that_cannot_be_meant_are_refused(
    desk: Desk, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(NotifierRefusedError, match=complaint):
        desk.notifier.set_webhook(replace(WEBHOOK, **change))

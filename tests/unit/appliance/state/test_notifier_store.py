from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.model.documents import to_json
from appliance.model.identifiers import RecoveryPointId, RunId
from appliance.model.notifications import EmailNotifier, MailEncryption, Notice, NoticeKind, WebhookNotifier
from appliance.model.policies import DueTime
from appliance.model.recovery_points import Consistency, DiskStatistics
from appliance.model.results import BackupResult, GapResult
from appliance.model.runs import Run, RunFailure, RunKind, RunOutcome, RunState
from appliance.model.virtual_machines import ExclusionReason
from appliance.state import (
    Database,
    DeliveryFailure,
    DueRun,
    FiredMachine,
    NoticeFacts,
    NoticeState,
    NotifierStore,
    PolicyStore,
    RunStore,
    SignOfLife,
    night_key,
)
from tests.fakes.notices import AT, notice
from tests.fakes.policies import policy

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SILENCE = timedelta(hours=26)
EMAIL = EmailNotifier("mx.example", 587, MailEncryption.STARTTLS, "a@example.com", ("b@example.com",), "a")
WEBHOOK = WebhookNotifier("https://hooks.example/in")
FAILURE = DeliveryFailure("KL-7001", "away", "wait", AT)
NIGHTLY = policy("nightly")
NIGHT = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> NotifierStore:
    made = NotifierStore(database)
    made.put(EMAIL, b"sealed", AT)
    return made


def record(store: NotifierStore, *notices: Notice) -> tuple[Notice, ...]:
    return store.record(lambda facts: notices, SILENCE, AT)


def test_a_notifier_is_found_again_until_it_is_removed(database: Database) -> None:
    store = NotifierStore(database)
    assert store.find() is None
    for notifier, sealed in ((EMAIL, b"sealed"), (WEBHOOK, b"other"), (replace(EMAIL, user=""), None)):
        store.put(notifier, sealed, AT)
        found = store.find()
        assert found is not None
        assert (found.notifier, found.sealed_secret) == (notifier, sealed)
        assert "sealed" not in repr(found)
    assert store.remove(AT)
    assert store.find() is None
    assert not store.remove(AT)


def test_another_notifier_has_the_same_beginning(store: NotifierStore) -> None:
    store.put(WEBHOOK, None, AT + HOUR)
    found = store.find()
    assert found is not None
    assert found.since == AT


def test_without_a_notifier_nothing_is_decided(database: Database) -> None:
    store = NotifierStore(database)
    assert store.facts(SILENCE, AT) is None
    assert record(store, notice()) == ()
    assert store.claim(AT, AT + MINUTE) is None


def test_a_notice_is_recorded_once_and_the_next_decision_knows_of_it(store: NotifierStore) -> None:
    seen: list[NoticeFacts] = []

    def decide(facts: NoticeFacts) -> Sequence[Notice]:
        seen.append(facts)
        return [notice(key="silence/p/1")]

    assert len(store.record(decide, SILENCE, AT)) == 1
    assert store.record(decide, SILENCE, AT) == ()
    assert store.outbox().pending == 1


def test_of_two_that_look_at_once_one_records(store: NotifierStore) -> None:
    told: list[tuple[Notice, ...]] = []
    barrier = threading.Barrier(4)

    def look(number: int) -> None:
        silence = replace(notice(key=f"silence/{number}"), kind=NoticeKind.SILENCE)
        barrier.wait()
        told.append(store.record(lambda facts: () if facts.told else (silence,), SILENCE, AT))

    threads = [threading.Thread(target=look, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, told)) == [0, 0, 0, 1]


def test_a_message_is_claimed_by_one_and_is_free_again_when_that_one_crashed(store: NotifierStore) -> None:
    record(store, notice())
    claimed = store.claim(AT, AT + 5 * MINUTE)
    assert claimed is not None
    assert (claimed.notice, claimed.attempts) == (notice(), 1)
    assert store.claim(AT + 4 * MINUTE, AT + HOUR) is None
    again = store.claim(AT + 5 * MINUTE, AT + HOUR)
    assert again is not None
    assert again.attempts == 2


def test_many_that_claim_at_once_get_each_message_once(store: NotifierStore) -> None:
    record(store, *(notice(key=f"night/p@{number}") for number in range(20)))
    claimed: list[str] = []
    barrier = threading.Barrier(4)

    def take_all() -> None:
        barrier.wait()
        while (found := store.claim(AT, AT + HOUR)) is not None:
            claimed.append(found.notice.key)

    threads = [threading.Thread(target=take_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(f"night/p@{number}" for number in range(20))


def test_a_failed_attempt_puts_all_off_and_says_since_when(store: NotifierStore) -> None:
    record(store, notice(key="night/p@1"), notice(key="night/p@2"))
    first = store.claim(AT, AT + MINUTE)
    assert first is not None
    store.postpone(first.notice.key, FAILURE, AT + HOUR)
    assert store.claim(AT + 59 * MINUTE, AT + 2 * HOUR) is None
    assert store.next_try_at() == AT + HOUR
    later = replace(FAILURE, at=AT + HOUR, message="still away")
    second = store.claim(AT + HOUR, AT + 2 * HOUR)
    assert second is not None
    assert second.notice.key == "night/p@2"  # that one was tried less often
    store.postpone(first.notice.key, later, AT + 3 * HOUR)
    failing = store.outbox().failing
    assert failing is not None
    assert (failing.failing_since, failing.failure) == (AT, later)


def test_what_is_delivered_is_told_and_done_with(store: NotifierStore) -> None:
    record(store, notice())
    store.settle(notice().key, NoticeState.DELIVERED, AT + MINUTE, FAILURE)
    outbox = store.outbox()
    assert (outbox.pending, outbox.failing) == (0, None)
    assert [(each.state, each.settled_at, each.failure) for each in outbox.newest] == [
        (NoticeState.DELIVERED, AT + MINUTE, FAILURE)
    ]
    assert record(store, notice()) == ()
    assert store.claim(AT + HOUR, AT + 2 * HOUR) is None


def test_what_was_given_up_is_shown_until_something_is_delivered(store: NotifierStore) -> None:
    record(store, notice(key="night/p@1"), notice(key="night/p@2"))
    store.postpone(notice(key="night/p@1").key, FAILURE, AT + MINUTE)
    store.settle(notice(key="night/p@1").key, NoticeState.GIVEN_UP, AT + HOUR, FAILURE)
    assert store.outbox().failing is not None
    store.settle(notice(key="night/p@2").key, NoticeState.DELIVERED, AT + 2 * HOUR)
    assert store.outbox().failing is None


def test_another_notifier_gets_what_waits_at_once(store: NotifierStore) -> None:
    record(store, notice())
    store.postpone(notice().key, FAILURE, AT + HOUR)
    store.put(WEBHOOK, None, AT + MINUTE)
    assert store.outbox().failing is None
    assert store.claim(AT + MINUTE, AT + HOUR) is not None


def test_removing_the_notifier_gives_up_what_waits(store: NotifierStore) -> None:
    record(store, notice())
    store.remove(AT)
    assert [each.state for each in store.outbox().newest] == [NoticeState.GIVEN_UP]


def test_old_messages_go_and_those_that_wait_stay(store: NotifierStore) -> None:
    record(store, notice(key="night/p@1"), notice(key="night/p@2"))
    store.settle(notice(key="night/p@1").key, NoticeState.DELIVERED, AT)
    store.record(lambda facts: (), SILENCE, AT + timedelta(days=91))
    assert [each.notice.key for each in store.outbox().newest] == ["night/p@2"]


def run(name: str, subject: str, at: datetime) -> Run:
    return Run(RunId(name), RunKind.BACKUP, subject, f"{subject}.example", RunState.QUEUED, at, "{}")


class Night:
    """A policy whose due times are taken up, and whose runs end."""

    def __init__(self, database: Database) -> None:
        self.policies, self.runs = PolicyStore(database), RunStore(database)
        self.store = NotifierStore(database)
        self.store.put(EMAIL, None, NIGHT - HOUR)
        self.policies.add(NIGHTLY)

    def take_up(self, *machines: str, at: datetime = NIGHT) -> DueTime:
        due = DueTime(NIGHTLY.id, at.replace(tzinfo=None), at)
        name = f"{at:%d}" if at.hour == NIGHT.hour else f"{at:%d-%H}"
        self.policies.settle(
            [due], [DueRun(run(f"{each}@{name}", each, at), (due.key,)) for each in machines], at
        )
        return due

    def end(self, name: str, state: RunState, result: str = "{}", failure: RunFailure | None = None) -> None:
        claimed = self.runs.claim_next(NIGHT)
        assert claimed is not None
        assert claimed.id == name
        ended = claimed.requested_at + HOUR
        if failure is None:
            self.runs.finish(claimed, RunOutcome(state, result), ended)
        else:
            self.runs.end_with(claimed, state, failure, ended)

    def facts(self, now: datetime = NIGHT + 2 * HOUR) -> NoticeFacts:
        facts = self.store.facts(SILENCE, now)
        assert facts is not None
        return facts


GAPS = BackupResult(
    point=RecoveryPointId("p"),
    machine="web-2",
    consistency=Consistency.CRASH,
    disks=(),
    gaps=(
        GapResult("Hard disk 2", ExclusionReason.INDEPENDENT, accepted=False),
        GapResult("Hard disk 3", ExclusionReason.INDEPENDENT, accepted=True),
    ),
    total=DiskStatistics(),
    snapshot_seconds=0.0,
)
FAILED = RunFailure("KL-2052", "refused", "Look.", 3)


@pytest.fixture
def night(database: Database) -> Night:
    return Night(database)


def test_a_night_comes_with_what_became_of_its_machines(night: Night) -> None:
    due = night.take_up("web-1", "web-2", "web-3")
    night.end("web-1@22", RunState.FAILED, failure=FAILED)
    night.end("web-2@22", RunState.COMPLETED_WITH_GAPS, to_json(GAPS).decode())
    (fired,) = night.facts().fired
    ended = NIGHT + HOUR
    assert (fired.policy, fired.key, fired.due_at, fired.fired_at) == (NIGHTLY.id, due.key, NIGHT, NIGHT)
    names = ("web-1", "web-2", "web-3")
    one, two, three = (FiredMachine(n, f"{n}.example", RunId(f"{n}@22"), RunState.QUEUED) for n in names)
    assert fired.machines == (
        replace(one, state=RunState.FAILED, ended_at=ended, failure=FAILED),
        replace(two, state=RunState.COMPLETED_WITH_GAPS, ended_at=ended, missing_disks=("Hard disk 2",)),
        three,
    )
    assert night.facts().signs == {
        "web-1": SignOfLife(failed_at=ended),
        "web-2": SignOfLife(point_at=ended),
    }
    assert night.facts().policies == (NIGHTLY,)


def test_a_repetition_stands_for_the_run_it_repeats(night: Night) -> None:
    night.take_up("web-1")
    night.end("web-1@22", RunState.FAILED, failure=FAILED)
    night.runs.request(
        replace(run("again", "web-1", NIGHT + HOUR), retry_of=RunId("web-1@22"), retry_number=1)
    )
    ((machine,),) = (fired.machines for fired in night.facts().fired)
    assert (machine.run, machine.state, machine.failure) == ("again", RunState.QUEUED, None)
    night.end("again", RunState.SUCCEEDED)
    ((machine,),) = (fired.machines for fired in night.facts(NIGHT + 3 * HOUR).fired)
    assert (machine.run, machine.state) == ("again", RunState.SUCCEEDED)


def test_the_newest_points_are_told_of_machines_in_trouble(night: Night) -> None:
    night.take_up("web-1", "web-2")
    for name in ("web-1@22", "web-2@22"):
        night.end(name, RunState.SUCCEEDED)
    later = NIGHT + timedelta(days=1)
    night.take_up("web-1", "web-2", at=later)
    night.end("web-1@23", RunState.FAILED, failure=FAILED)
    night.end("web-2@23", RunState.SUCCEEDED)
    facts = night.facts(later + 3 * HOUR)
    assert facts.points == {"web-1": NIGHT}
    assert facts.signs == {
        "web-1": SignOfLife(NIGHT + HOUR, later + HOUR),
        "web-2": SignOfLife(later + HOUR),
    }
    assert [fired.due_at for fired in facts.fired] == [later, NIGHT]


def test_only_trouble_and_the_newest_due_times_are_read(night: Night) -> None:
    for day in range(6):
        at = NIGHT + timedelta(days=day)
        night.take_up("web-1", at=at)
        if day == 2:
            night.end(f"web-1@{at:%d}", RunState.FAILED, failure=FAILED)
        else:
            night.end(f"web-1@{at:%d}", RunState.SUCCEEDED)
    night.take_up(at=NIGHT + timedelta(days=6, hours=1))
    days = [fired.due_at.day - NIGHT.day for fired in night.facts(NIGHT + timedelta(days=6, hours=2)).fired]
    assert sorted(days) == [2, 5, 6]  # trouble; the newest of more than 26 hours ago; the newest


def test_a_night_that_was_told_is_read_no_more(night: Night) -> None:
    night.take_up("web-1")
    night.end("web-1@22", RunState.FAILED, failure=FAILED)
    night.take_up("web-1", at=NIGHT + timedelta(days=1))
    night.take_up("web-1", at=NIGHT + timedelta(days=2))
    now = NIGHT + timedelta(days=2, hours=27)
    assert len(night.facts(now).fired) == 3 - 1
    record(night.store, notice(key=night_key(NIGHTLY.id, NIGHT)))
    told = night.facts(now)
    assert [fired.due_at for fired in told.fired] == [NIGHT + timedelta(days=2)]


@pytest.mark.parametrize(("since", "age"), [(HOUR, timedelta(days=1)), (-HOUR, timedelta(days=15))])
def test_a_night_of_long_ago_or_before_the_notifier_is_nobodys_business(
    database: Database, since: timedelta, age: timedelta
) -> None:
    night = Night(database)
    night.store.remove(AT)
    night.store.put(EMAIL, None, NIGHT + since)
    night.take_up("web-1")
    night.end("web-1@22", RunState.FAILED, failure=FAILED)
    night.take_up("web-1", at=NIGHT + timedelta(hours=12))
    assert NIGHT not in [fired.due_at for fired in night.facts(NIGHT + age + SILENCE).fired]

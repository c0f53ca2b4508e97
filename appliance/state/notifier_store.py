"""The notifier, and the messages that it has told or is to tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import BindParameter, Update, delete, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from appliance.model.documents import from_json, to_json
from appliance.model.notifications import EmailNotifier, Notice, NoticeKey, Notifier, WebhookNotifier
from appliance.state.database import Database
from appliance.state.notifier_facts import NoticeFacts, read_facts
from appliance.state.tables import NoticeRow, NotifierRow

NOTICES_KEPT = timedelta(days=90)
"""Longer than anything is told of: a key that is forgotten must not be found out about again."""

_ONLY_ROW = 1
_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)
_EMAIL, _WEBHOOK = "email", "webhook"
_KINDS: dict[str, type[Notifier]] = {_EMAIL: EmailNotifier, _WEBHOOK: WebhookNotifier}


class NoticeState(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class StoredNotifier:
    """The notifier; `since` is when the first one was set, `sealed_secret` is None where it needs none."""

    notifier: Notifier
    since: datetime
    sealed_secret: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """Why the last attempt failed, or who was refused when it did not."""

    code: str
    message: str
    remedy: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """A message and what became of it; `attempts` counts the one that is under way."""

    notice: Notice
    state: NoticeState
    attempts: int
    next_try_at: datetime
    settled_at: datetime | None
    failing_since: datetime | None
    failure: DeliveryFailure | None


@dataclass(frozen=True, slots=True)
class Outbox:
    """How delivery goes; `failing` is the message that fails longest, None where all is well."""

    pending: int
    failing: StoredNotice | None
    newest: tuple[StoredNotice, ...]


class NotifierStore:
    """The one notifier and its messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, notifier: Notifier, sealed_secret: bytes | None, now: datetime) -> None:
        """Make this the notifier; messages that wait are due at once: the old way may have been why."""
        document = to_json(notifier).decode()
        kind = _EMAIL if isinstance(notifier, EmailNotifier) else _WEBHOOK
        with self._database.writing() as session:
            row = session.get(NotifierRow, _ONLY_ROW)
            since = now if row is None else row.since
            columns = {"kind": kind, "document": document, "sealed_secret": sealed_secret, "since": since}
            session.execute(delete(NotifierRow))
            session.execute(insert(NotifierRow).values(number=_ONLY_ROW, **columns))
            session.execute(
                update(NoticeRow)
                .where(NoticeRow.state != NoticeState.DELIVERED)
                .values(failing_since=None, failure=None)
            )
            anew = {"next_try_at": now, "attempts": 0}
            session.execute(update(NoticeRow).where(NoticeRow.state == NoticeState.PENDING).values(anew))

    def find(self) -> StoredNotifier | None:
        """The notifier, or None where none was set."""
        with self._database.reading() as session:
            row = session.get(NotifierRow, _ONLY_ROW)
            return None if row is None else _stored(row)

    def remove(self, now: datetime) -> bool:
        """Forget the notifier and its secret, and give up what waits; whether there was one."""
        with self._database.writing() as session:
            was_there = session.get(NotifierRow, _ONLY_ROW) is not None
            session.execute(delete(NotifierRow))
            given_up = {"state": NoticeState.GIVEN_UP, "settled_at": now}
            session.execute(update(NoticeRow).where(NoticeRow.state == NoticeState.PENDING).values(given_up))
            return was_there

    def facts(self, silence: timedelta, now: datetime) -> NoticeFacts | None:
        """What decisions go by, or None without a notifier; `silence` as in `read_facts`."""
        with self._database.reading() as session:
            return _facts(session, silence, now)

    def record(
        self, decide: Callable[[NoticeFacts], Sequence[Notice]], silence: timedelta, now: datetime
    ) -> tuple[Notice, ...]:
        """Remember what `decide` wants told; those that are new.

        It decides by facts that nobody can change meanwhile: of two processes that look at once, the second
        one sees what the first one has decided.
        """
        with self._database.writing() as session:
            facts = _facts(session, silence, now)
            if facts is None:
                return ()
            session.execute(delete(NoticeRow).where(NoticeRow.settled_at < now - NOTICES_KEPT))
            wanted = {notice.key: notice for notice in decide(facts)}
            known = set(session.scalars(select(NoticeRow.key).where(NoticeRow.key.in_(wanted))))
            new = tuple(notice for key, notice in wanted.items() if key not in known)
            session.add_all(map(_row_of, new))
            return new

    def claim(self, now: datetime, until: datetime) -> StoredNotice | None:
        """Take a message that is due, for oneself until then, or None: one statement.

        Those that were tried least go first: one that is refused again and again holds nobody up. After a
        crash the message is free again at `until`, so it may come twice, but never not at all.
        """
        is_free = or_(NoticeRow.claimed_until.is_(None), NoticeRow.claimed_until <= now)
        first = (
            select(NoticeRow.key)
            .where(NoticeRow.state == NoticeState.PENDING, NoticeRow.next_try_at <= now, is_free)
            .order_by(NoticeRow.attempts, NoticeRow.at, NoticeRow.key)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        claim = (
            update(NoticeRow)
            .where(NoticeRow.key == first, NoticeRow.state == NoticeState.PENDING)
            .values(claimed_until=until, attempts=NoticeRow.attempts + 1)
            .returning(NoticeRow)
        )
        with self._database.writing() as session:
            row = session.scalars(claim).one_or_none()
            return None if row is None else _notice_of(row)

    def settle(
        self, key: NoticeKey, state: NoticeState, now: datetime, failure: DeliveryFailure | None = None
    ) -> None:
        """Say that a message is delivered or given up, and what was wrong all the same."""
        columns = {"state": state, "settled_at": now, "failure": _text_of(failure), "claimed_until": None}
        with self._database.writing() as session:
            session.execute(_pending(key).values(columns))

    def postpone(self, key: NoticeKey, failure: DeliveryFailure, until: datetime) -> None:
        """Say that an attempt failed. The others wait as well: the way out is the same."""
        failing_since = func.coalesce(NoticeRow.failing_since, _moment(failure.at))
        columns = {"failure": _text_of(failure), "failing_since": failing_since, "claimed_until": None}
        others = update(NoticeRow).where(
            NoticeRow.state == NoticeState.PENDING, NoticeRow.next_try_at < until
        )
        with self._database.writing() as session:
            session.execute(_pending(key).values(columns))
            session.execute(others.values(next_try_at=until))

    def next_try_at(self) -> datetime | None:
        """When a message is due for delivery, or None where none waits."""
        waiting = select(NoticeRow.next_try_at).where(NoticeRow.state == NoticeState.PENDING)
        with self._database.reading() as session:
            return session.scalars(waiting.order_by(NoticeRow.next_try_at).limit(1)).one_or_none()

    def outbox(self, limit: int = 10) -> Outbox:
        """How delivery goes, with the newest messages."""
        with self._database.reading() as session:
            is_pending = NoticeRow.state == NoticeState.PENDING
            pending = session.scalar(select(func.count()).where(is_pending)) or 0
            newest = select(NoticeRow).order_by(NoticeRow.at.desc(), NoticeRow.key).limit(limit)
            return Outbox(pending, _failing(session), tuple(map(_notice_of, session.scalars(newest))))


def _failing(session: Session) -> StoredNotice | None:
    """The message that fails longest: one that waits, or was given up and nothing was delivered since."""
    delivered = select(func.max(NoticeRow.settled_at)).where(NoticeRow.state == NoticeState.DELIVERED)
    is_lost = (NoticeRow.state == NoticeState.GIVEN_UP) & (
        NoticeRow.settled_at > func.coalesce(delivered.scalar_subquery(), _moment(_BEFORE_ALL))
    )
    failing = (
        select(NoticeRow)
        .where(NoticeRow.failing_since.is_not(None), (NoticeRow.state == NoticeState.PENDING) | is_lost)
        .order_by(NoticeRow.failing_since)
        .limit(1)
    )
    row = session.scalars(failing).one_or_none()
    return None if row is None else _notice_of(row)


def _facts(session: Session, silence: timedelta, now: datetime) -> NoticeFacts | None:
    row = session.get(NotifierRow, _ONLY_ROW)
    return None if row is None else read_facts(session, row.since, silence, now)


def _pending(key: NoticeKey) -> Update:
    return update(NoticeRow).where(NoticeRow.key == key, NoticeRow.state == NoticeState.PENDING)


def _stored(row: NotifierRow) -> StoredNotifier:
    kind: type[Notifier] = _KINDS[row.kind]
    return StoredNotifier(from_json(kind, row.document), row.since, row.sealed_secret)


def _row_of(notice: Notice) -> NoticeRow:
    return NoticeRow(
        key=notice.key,
        kind=notice.kind,
        policy_id=notice.policy,
        at=notice.at,
        document=to_json(notice).decode(),
        state=NoticeState.PENDING,
        attempts=0,
        next_try_at=notice.at,
    )


def _notice_of(row: NoticeRow) -> StoredNotice:
    return StoredNotice(
        notice=from_json(Notice, row.document),
        state=NoticeState(row.state),
        attempts=row.attempts,
        next_try_at=row.next_try_at,
        settled_at=row.settled_at,
        failing_since=row.failing_since,
        failure=None if row.failure is None else from_json(DeliveryFailure, row.failure),
    )


def _moment(at: datetime) -> BindParameter[datetime | None]:
    """A moment inside an SQL function, which would not know how moments are kept."""
    return literal(at, NoticeRow.failing_since.type)


def _text_of(failure: DeliveryFailure | None) -> str | None:
    return None if failure is None else to_json(failure).decode()

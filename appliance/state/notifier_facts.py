"""What the notifier decides by: due times, what became of them, and what was told. Read in one view."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, exists, func, literal, select
from sqlalchemy.orm import Session

from appliance.model.documents import from_json
from appliance.model.identifiers import RunId
from appliance.model.notifications import NoticeKey, NoticeKind
from appliance.model.policies import DueKey, Policy, PolicyId
from appliance.model.results import BackupResult
from appliance.model.runs import RunFailure, RunKind, RunState
from appliance.state.tables import FiredRunRow, FiringRow, NoticeRow, PolicyRow, RunRow

NIGHT_WINDOW = timedelta(days=14)
"""A due time that fired longer ago is not told of any more; its firing may be forgotten then, not before."""

WITH_POINT = frozenset({RunState.SUCCEEDED, RunState.COMPLETED_WITH_GAPS})
_TROUBLED = frozenset({RunState.FAILED, RunState.COMPLETED_WITH_GAPS})
_EPISODE_KINDS = frozenset({NoticeKind.SILENCE, NoticeKind.WORKS_AGAIN})


@dataclass(frozen=True, slots=True)
class FiredMachine:
    """A machine of a due time, and the last of its runs for it: a repetition takes its run's place."""

    subject: str
    name: str
    run: RunId
    state: RunState
    ended_at: datetime | None = None
    failure: RunFailure | None = None
    missing_disks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FiredDueTime:
    """A due time that was taken up, and for which machines."""

    policy: PolicyId
    key: DueKey
    due_at: datetime
    fired_at: datetime
    machines: tuple[FiredMachine, ...]


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """When the newest backups of a machine ended: the one that made a point, and the one that failed."""

    point_at: datetime | None = None
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToldNotice:
    """A notice that was decided on, whether it is delivered or not."""

    key: NoticeKey
    kind: NoticeKind
    policy: PolicyId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """Everything a decision goes by; more due times, signs or notices than it needs change no decision.

    `since` is when the notifier was set: nights before are nobody's business. `signs` and `points` are by
    the machine's identity key; `points` says when the newest point was begun.
    """

    since: datetime
    policies: tuple[Policy, ...]
    fired: tuple[FiredDueTime, ...]
    signs: Mapping[str, SignOfLife]
    points: Mapping[str, datetime]
    told: tuple[ToldNotice, ...]


def read_facts(session: Session, since: datetime, silence: timedelta, now: datetime) -> NoticeFacts:
    """As much as is needed at `now`.

    Of the due times that is: those with trouble that was not told, and of each policy the newest one and
    the newest one that was taken up at least `silence` ago.
    """
    policies = tuple(from_json(Policy, text) for text in session.scalars(select(PolicyRow.document)))
    rows = {row.due_key: row for row in _troubled(session, since, now)}
    bounds: list[datetime] = []
    for policy in policies:
        for bound in (now, now - silence):
            row = _newest_until(session, policy.id, bound)
            if row is not None:
                rows[row.due_key] = row
                bounds.append(row.due_at)
    fired = tuple(_fired(session, row) for row in rows.values())
    signs = _signs(session, min(bounds, default=now))
    names = {machine.subject for due in fired for machine in due.machines if _is_noted(machine, signs)}
    return NoticeFacts(since, policies, fired, signs, _points(session, names), tuple(_told(session, fired)))


def _troubled(session: Session, since: datetime, now: datetime) -> Iterator[FiringRow]:
    own = FiredRunRow.due_key == FiringRow.due_key
    has_trouble = exists().where(own, FiredRunRow.run_id == RunRow.id, RunRow.state.in_(_TROUBLED))
    has_run = exists().where(own)
    is_told = exists().where(NoticeRow.key == _night_key_column())
    yield from session.scalars(
        select(FiringRow).where(
            FiringRow.fired_at >= max(since, now - NIGHT_WINDOW), ~is_told, has_trouble | ~has_run
        )
    )


def night_key(policy: PolicyId, due_at: datetime) -> NoticeKey:
    """The key of the one notice of a due time: by its moment, as due keys change with a policy's schedule."""
    return NoticeKey(f"night/{policy}@{due_at.astimezone(UTC).isoformat(timespec='microseconds')}")


def _night_key_column() -> ColumnElement[str]:
    """`night_key` of a firing, in SQL; moments are kept in that very form."""
    return literal("night/") + FiringRow.policy_id + "@" + cast(FiringRow.due_at, String)


def _newest_until(session: Session, policy: PolicyId, bound: datetime) -> FiringRow | None:
    """The newest due time of a policy that was taken up by then."""
    newest = (
        select(FiringRow)
        .where(FiringRow.policy_id == policy, FiringRow.fired_at <= bound)
        .order_by(FiringRow.due_at.desc(), FiringRow.due_key.desc())
        .limit(1)
    )
    return session.scalars(newest).one_or_none()


def _fired(session: Session, row: FiringRow) -> FiredDueTime:
    runs = (
        select(RunRow.id, RunRow.subject, RunRow.subject_name, RunRow.state, RunRow.ended_at)
        .join(FiredRunRow, FiredRunRow.run_id == RunRow.id)
        .where(FiredRunRow.due_key == row.due_key)
        .order_by(RunRow.subject_name, RunRow.id)
    )
    machines = [
        FiredMachine(subject, name, RunId(run), RunState(state), ended_at)
        for run, subject, name, state, ended_at in session.execute(runs)
    ]
    last = (_last_run(session, machine) for machine in machines)
    return FiredDueTime(PolicyId(row.policy_id), DueKey(row.due_key), row.due_at, row.fired_at, tuple(last))


def _last_run(session: Session, machine: FiredMachine) -> FiredMachine:
    """The machine by the last repetition of its run, with what is to be told of it."""
    while machine.state is RunState.FAILED:
        repetition = session.scalars(select(RunRow).where(RunRow.retry_of == machine.run)).one_or_none()
        if repetition is None:
            break
        state = RunState(repetition.state)
        machine = replace(machine, run=RunId(repetition.id), state=state, ended_at=repetition.ended_at)
    return _with_details(session, machine) if machine.state in _TROUBLED else machine


def _with_details(session: Session, machine: FiredMachine) -> FiredMachine:
    row = session.get_one(RunRow, machine.run)
    failure = None if row.failure is None else from_json(RunFailure, row.failure)
    gaps = () if row.result is None else from_json(BackupResult, row.result).gaps
    missing = tuple(gap.label for gap in gaps if not gap.accepted)
    return replace(machine, failure=failure, missing_disks=missing)


def _signs(session: Session, since: datetime) -> dict[str, SignOfLife]:
    ended = (
        select(RunRow.subject, RunRow.state, func.max(RunRow.ended_at, type_=RunRow.ended_at.type))
        .where(
            RunRow.kind == RunKind.BACKUP, RunRow.ended_at >= since, RunRow.state.in_(WITH_POINT | _TROUBLED)
        )
        .group_by(RunRow.subject, RunRow.state)
    )
    signs: dict[str, SignOfLife] = {}
    for subject, state, at in session.execute(ended):
        known = signs.get(subject, SignOfLife())
        if RunState(state) is RunState.FAILED:
            signs[subject] = replace(known, failed_at=at)
        else:
            signs[subject] = replace(known, point_at=max(filter(None, (known.point_at, at))))
    return signs


def _is_noted(machine: FiredMachine, signs: Mapping[str, SignOfLife]) -> bool:
    """Whether a notice may have to name the machine."""
    sign = signs.get(machine.subject, SignOfLife())
    return machine.state is not RunState.SUCCEEDED or sign == SignOfLife()


def _points(session: Session, subjects: Collection[str]) -> dict[str, datetime]:
    newest = (
        select(RunRow.subject, func.max(RunRow.started_at, type_=RunRow.started_at.type))
        .where(
            RunRow.kind == RunKind.BACKUP, RunRow.state.in_(WITH_POINT), RunRow.subject.in_(sorted(subjects))
        )
        .group_by(RunRow.subject)
    )
    return {subject: at for subject, at in session.execute(newest) if at is not None}


def _told(session: Session, fired: Collection[FiredDueTime]) -> Iterator[ToldNotice]:
    """The notices of these due times, and all of silence and its end."""
    keys = [night_key(due.policy, due.due_at) for due in fired]
    told = select(NoticeRow.key, NoticeRow.kind, NoticeRow.policy_id, NoticeRow.at).where(
        NoticeRow.key.in_(keys) | NoticeRow.kind.in_(_EPISODE_KINDS)
    )
    for key, kind, policy, at in session.execute(told):
        yield ToldNotice(NoticeKey(key), NoticeKind(kind), None if policy is None else PolicyId(policy), at)

"""Policies, and which of their due times have been settled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.orm import Session

from appliance.model.documents import from_json, to_json
from appliance.model.identifiers import RunId
from appliance.model.policies import DueKey, DueTime, Policy, PolicyId
from appliance.model.runs import Run
from appliance.state.database import Database
from appliance.state.errors import PolicyExistsError, PolicyNotFoundError, PolicyStaleError
from appliance.state.run_store import RequestedRun, queue_run
from appliance.state.tables import FiredRunRow, FiringRow, PolicyRow


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run to be queued, and the due times that ask for it."""

    run: Run
    due_keys: tuple[DueKey, ...]


@dataclass(frozen=True, slots=True)
class Firing:
    """A due time that was settled, and by which runs."""

    due_key: DueKey
    due_at: datetime
    fired_at: datetime
    runs: tuple[RunId, ...]


class PolicyStore:
    """The policies by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, policy: Policy) -> None:
        """Remember a new one.

        Raises:
            PolicyExistsError: the name is taken.
        """
        with self._database.writing() as session:
            if _row_named(session, policy.name) is not None:
                raise PolicyExistsError(f"there is a policy named {policy.name} already")
            document = to_json(policy).decode()
            session.add(PolicyRow(id=policy.id, name=policy.name, document=document))

    def change(self, policy: Policy, now: datetime, expected: Policy | None = None) -> None:
        """Put `policy` in the place of the one with its id, which is still `expected` where that is given.

        A due time is settled by its name alone. Where another time zone brings the local time of a settled
        one again, it must be due again: those that lie ahead by the new schedule get another name.

        Raises:
            PolicyNotFoundError: there is none of this id any more.
            PolicyExistsError: another policy has the name.
            PolicyStaleError: it is another one than was expected.
        """
        with self._database.writing() as session:
            named = _row_named(session, policy.name)
            if named is not None and named.id != policy.id:
                raise PolicyExistsError(f"there is a policy named {policy.name} already")
            row = session.get(PolicyRow, policy.id)
            if row is None:
                raise PolicyNotFoundError(f"policy {policy.name} was removed meanwhile")
            stored = _policy_of(row)
            if expected is not None and stored != expected:
                raise PolicyStaleError(f"somebody has changed the policy {stored.name} meanwhile")
            if stored.schedule != policy.schedule:
                _rename_settled_ahead(session, policy, now)
            row.name, row.document = policy.name, to_json(policy).decode()

    def find(self, name: str) -> Policy:
        """The one with this name.

        Raises:
            PolicyNotFoundError: there is none.
        """
        with self._database.reading() as session:
            return _policy_of(_existing(session, name))

    def list(self) -> list[Policy]:
        """All of them, by name."""
        with self._database.reading() as session:
            return [_policy_of(row) for row in session.scalars(select(PolicyRow).order_by(PolicyRow.name))]

    def remove(self, name: str) -> None:
        """Forget one, and what it has settled; its runs and their points stay.

        Raises:
            PolicyNotFoundError: there is none.
        """
        with self._database.writing() as session:
            row = _existing(session, name)
            own = select(FiringRow.due_key).where(FiringRow.policy_id == row.id)
            session.execute(delete(FiredRunRow).where(FiredRunRow.due_key.in_(own)))
            session.execute(delete(FiringRow).where(FiringRow.policy_id == row.id))
            session.delete(row)

    def settled_among(self, keys: Collection[DueKey]) -> frozenset[DueKey]:
        """Those of these due times that have been settled."""
        with self._database.reading() as session:
            found = session.scalars(select(FiringRow.due_key).where(FiringRow.due_key.in_(keys)))
            return frozenset(map(DueKey, found))

    def settle(
        self, due: Iterable[DueTime], runs: Sequence[DueRun], now: datetime
    ) -> tuple[RequestedRun, ...]:
        """Queue the runs of these due times and remember both, in one transaction: all of it or nothing.

        A due time that was settled before, or whose policy is gone, is left out, and so is a run that no
        other one asks for. A backup that is active already is joined.
        """
        with self._database.writing() as session:
            open_due = _still_open(session, due)
            for each in open_due:
                session.add(FiringRow(due_key=each.key, policy_id=each.policy, due_at=each.at, fired_at=now))
            session.flush()
            return _queue(session, {each.key for each in open_due}, runs)

    def fired_for_nothing(self) -> frozenset[PolicyId]:
        """The policies whose newest settled due time had no machine to back up."""
        newest = select(FiringRow.policy_id, func.max(FiringRow.fired_at).label("at")).group_by(
            FiringRow.policy_id
        )
        latest = newest.subquery()
        idle = select(FiringRow.policy_id).join(
            latest, (FiringRow.policy_id == latest.c.policy_id) & (FiringRow.fired_at == latest.c.at)
        )
        has_run = exists().where(FiredRunRow.due_key == FiringRow.due_key)
        with self._database.reading() as session:
            return frozenset(map(PolicyId, session.scalars(idle.where(~has_run))))

    def firings(self, policy: PolicyId, limit: int = 10) -> tuple[Firing, ...]:
        """The due times of a policy that were settled last, newest first."""
        newest = (
            select(FiringRow)
            .where(FiringRow.policy_id == policy)
            .order_by(FiringRow.fired_at.desc(), FiringRow.due_key.desc())
            .limit(limit)
        )
        with self._database.reading() as session:
            return tuple(_firing_of(session, row) for row in session.scalars(newest))


def _rename_settled_ahead(session: Session, policy: Policy, now: datetime) -> None:
    """Settled due times of the policy keep their history under a name that no due time will ever have."""
    ahead = DueTime(policy.id, now.astimezone(ZoneInfo(policy.schedule.zone)), now).key
    of_policy = (FiringRow.policy_id == policy.id, FiringRow.due_key > ahead)
    for row in session.scalars(select(FiringRow).where(*of_policy)).all():
        earlier = f"{row.due_key}, before {now:%Y-%m-%dT%H:%M:%S.%fZ}"
        copy = FiringRow(due_key=earlier, policy_id=row.policy_id, due_at=row.due_at, fired_at=row.fired_at)
        session.add(copy)
        session.flush()
        session.execute(update(FiredRunRow).where(FiredRunRow.due_key == row.due_key).values(due_key=earlier))
        session.delete(row)
        session.flush()


def _still_open(session: Session, due: Iterable[DueTime]) -> Sequence[DueTime]:
    asked = tuple(due)
    known = set(session.scalars(select(PolicyRow.id)))
    keys = [each.key for each in asked]
    settled = set(session.scalars(select(FiringRow.due_key).where(FiringRow.due_key.in_(keys))))
    return [each for each in asked if each.policy in known and each.key not in settled]


def _queue(session: Session, open_keys: set[DueKey], runs: Sequence[DueRun]) -> tuple[RequestedRun, ...]:
    requested = []
    for each in runs:
        keys = [key for key in each.due_keys if key in open_keys]
        if not keys:
            continue
        queued = queue_run(session, each.run)
        rows = [{"due_key": key, "subject": each.run.subject, "run_id": queued.run.id} for key in keys]
        session.execute(insert(FiredRunRow), rows)
        requested.append(queued)
    return tuple(requested)


def _firing_of(session: Session, row: FiringRow) -> Firing:
    runs = session.scalars(
        select(FiredRunRow.run_id).where(FiredRunRow.due_key == row.due_key).order_by(FiredRunRow.run_id)
    )
    return Firing(DueKey(row.due_key), row.due_at, row.fired_at, tuple(map(RunId, runs)))


def _row_named(session: Session, name: str) -> PolicyRow | None:
    return session.scalars(select(PolicyRow).where(PolicyRow.name == name)).one_or_none()


def _existing(session: Session, name: str) -> PolicyRow:
    row = _row_named(session, name)
    if row is None:
        raise PolicyNotFoundError(f"there is no policy named {name}")
    return row


def _policy_of(row: PolicyRow) -> Policy:
    return from_json(Policy, row.document)

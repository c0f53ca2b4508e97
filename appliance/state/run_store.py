"""The queue and the history of runs.

Which state may follow which is `ALLOWED_TRANSITIONS`, and every UPDATE says it in its WHERE: whoever comes
late changes nothing and is told so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, insert, literal, select, update
from sqlalchemy.orm import Session

from appliance.model.documents import from_json, to_json
from appliance.model.identifiers import RunId
from appliance.model.run_limits import UNLIMITED_PLACES, RunLimits
from appliance.model.runs import (
    ACTIVE_STATES,
    ALLOWED_TRANSITIONS,
    Run,
    RunFailure,
    RunKind,
    RunOutcome,
    RunPlace,
    RunProgress,
    RunState,
)
from appliance.state.database import Database
from appliance.state.errors import RunNotFoundError, RunTransitionError
from appliance.state.run_claims import claim_of_next
from appliance.state.run_joining import join_run
from appliance.state.tables import RunRow


@dataclass(frozen=True, slots=True)
class RequestedRun:
    """The run that will do what was asked; `joined` when it was active before the request came.

    `unmet` says, in sentences, what a joined run does otherwise than it was asked.
    """

    run: Run
    joined: bool
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a list shows, newest first; `before` is the last id of the page before."""

    kinds: frozenset[RunKind] = frozenset()
    states: frozenset[RunState] = frozenset()
    subject: str | None = None
    before: RunId | None = None
    limit: int = 50


class RunStore:
    """The table of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(self, run: Run) -> RequestedRun:
        """Queue `run`, unless it is a backup of a machine whose backup is active: then that one (rule 6)."""
        with self._database.writing() as session:
            return queue_run(session, run)

    def claim_next(self, now: datetime, limits: RunLimits = UNLIMITED_PLACES) -> Run | None:
        """Take the oldest queued run that may begin into a new attempt, or None where there is none.

        One whose pause has not passed yet, or whose vCenter or host is full, is passed over. How many may be
        at work in all is the caller's business.
        """
        with self._database.writing() as session:
            row = session.scalars(claim_of_next(now, limits)).one_or_none()
            return None if row is None else run_of(row)

    def resume(self, run_id: RunId) -> Run:
        """Take an interrupted run into a new attempt.

        Raises:
            RunTransitionError: it is not interrupted.
        """
        resumed = (
            update(RunRow)
            .where(RunRow.id == run_id, RunRow.state == RunState.INTERRUPTED)
            .values(state=RunState.RUNNING, attempt=RunRow.attempt + 1, phase="")
            .returning(RunRow)
        )
        with self._database.writing() as session:
            row = session.scalars(resumed).one_or_none()
            if row is None:
                raise _refused_move(existing_run(session, run_id), RunState.RUNNING)
            return run_of(row)

    def interrupt(self, run: Run) -> Run:
        """Say that this attempt's engine is gone or going.

        Raises:
            RunTransitionError: the attempt has ended, or a later one has begun.
        """
        return self._move(run, RunState.INTERRUPTED)

    def finish(self, run: Run, outcome: RunOutcome, now: datetime) -> Run:
        """End this attempt with what its handler said.

        Raises:
            RunTransitionError: the attempt has ended, or a later one has begun.
        """
        return self._move(run, outcome.state, ended_at=now, result=outcome.result)

    def end_with(self, run: Run, state: RunState, failure: RunFailure, now: datetime) -> Run:
        """End this attempt as failed or cancelled, with the reason.

        Raises:
            RunTransitionError: the attempt has ended, or a later one has begun.
        """
        return self._move(run, state, ended_at=now, failure=to_json(failure).decode())

    def save_progress(self, run: Run, phase: str, progress: RunProgress) -> bool:
        """Write how far this attempt has come; whether somebody asked to cancel it.

        The caller calls it at most once a second for each run. A later attempt's progress is left alone.
        """
        save = (
            update(RunRow)
            .where(RunRow.id == run.id, RunRow.attempt == run.attempt, RunRow.state == RunState.RUNNING)
            .values(phase=phase, progress=to_json(progress).decode())
            .returning(RunRow.cancel_requested)
        )
        with self._database.writing() as session:
            return bool(session.scalar(save))

    def request_cancel(self, run_id: RunId, now: datetime) -> Run:
        """Cancel a queued run at once; ask the engine to cancel one that has begun.

        Raises:
            RunTransitionError: the run has ended.
            RunNotFoundError: there is none.
        """
        queued = RunRow.state == RunState.QUEUED
        cancel = (
            update(RunRow)
            .where(RunRow.id == run_id, RunRow.state.in_(ACTIVE_STATES))
            .values(
                cancel_requested=True,
                state=case((queued, literal(RunState.CANCELLED.value)), else_=RunRow.state),
                ended_at=case((queued, literal(now, RunRow.ended_at.type)), else_=RunRow.ended_at),
            )
            .returning(RunRow)
        )
        with self._database.writing() as session:
            row = session.scalars(cancel).one_or_none()
            if row is None:
                raise RunTransitionError(
                    f"run {run_id} is {existing_run(session, run_id).state}: too late to cancel"
                )
            return run_of(row)

    def find(self, run_id: RunId) -> Run:
        """The run with this id.

        Raises:
            RunNotFoundError: there is none.
        """
        with self._database.reading() as session:
            return run_of(existing_run(session, run_id))

    def list(self, wanted: RunFilter) -> list[Run]:
        """The runs that `wanted` lets through, newest first."""
        page = select(RunRow).order_by(RunRow.requested_at.desc(), RunRow.id.desc()).limit(wanted.limit)
        with self._database.reading() as session:
            conditions = _conditions_of(wanted, session)
            return [run_of(row) for row in session.scalars(page.where(*conditions))]

    def _move(self, run: Run, target: RunState, **columns: object) -> Run:
        sources = [state for state, targets in ALLOWED_TRANSITIONS.items() if target in targets]
        move = (
            update(RunRow)
            .where(RunRow.id == run.id, RunRow.attempt == run.attempt, RunRow.state.in_(sources))
            .values(state=target, **columns)
            .returning(RunRow)
        )
        with self._database.writing() as session:
            row = session.scalars(move).one_or_none()
            if row is None:
                raise _refused_move(existing_run(session, run.id), target)
            return run_of(row)


def queue_run(session: Session, run: Run) -> RequestedRun:
    """What `RunStore.request` does, as a part of the caller's writing transaction."""
    twin = _twin_of(session, run)
    if twin is not None:
        if run.not_before is None:
            hurry_run(session, RunId(twin.id))  # who asks now does not wait for the end of a pause
            session.refresh(twin)
        unmet = join_run(session, twin, run)
        return RequestedRun(run_of(twin), joined=True, unmet=unmet)
    session.execute(insert(RunRow).values(_columns_of(run)))
    return RequestedRun(run, joined=False)


def _refused_move(row: RunRow, target: RunState) -> RunTransitionError:
    return RunTransitionError(
        f"run {row.id} is {row.state} in attempt {row.attempt}: it cannot become {target}"
    )


def existing_run(session: Session, run_id: RunId) -> RunRow:
    """The row of a run.

    Raises:
        RunNotFoundError: there is none.
    """
    row = session.get(RunRow, run_id)
    if row is None:
        raise RunNotFoundError(f"there is no run {run_id}")
    return row


def _twin_of(session: Session, run: Run) -> RunRow | None:
    """The run that does already what `run` is to do: there is one at most of each kind."""
    if run.kind is RunKind.BACKUP:
        active = select(RunRow).where(
            RunRow.kind == RunKind.BACKUP, RunRow.subject == run.subject, RunRow.state.in_(ACTIVE_STATES)
        )
        row = session.scalars(active).one_or_none()
        if row is not None:
            return row
    if run.retry_of is None:
        return None
    return session.scalars(select(RunRow).where(RunRow.retry_of == run.retry_of)).one_or_none()


def hurry_run(session: Session, run_id: RunId) -> None:
    """Let a queued run that waits for the end of a pause begin as soon as others would."""
    session.execute(
        update(RunRow).where(RunRow.id == run_id, RunRow.state == RunState.QUEUED).values(not_before=None)
    )


def _conditions_of(wanted: RunFilter, session: Session) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.kinds:
        conditions.append(RunRow.kind.in_(wanted.kinds))
    if wanted.states:
        conditions.append(RunRow.state.in_(wanted.states))
    if wanted.subject is not None:
        conditions.append(RunRow.subject == wanted.subject)
    if wanted.before is not None:
        last = existing_run(session, wanted.before)
        conditions.append(
            (RunRow.requested_at < last.requested_at)
            | and_(RunRow.requested_at == last.requested_at, RunRow.id < last.id)
        )
    return conditions


def _columns_of(run: Run) -> dict[str, object]:
    return {
        "id": run.id,
        "kind": run.kind,
        "subject": run.subject,
        "subject_name": run.subject_name,
        "state": RunState.QUEUED,
        "requested_at": run.requested_at,
        "request": run.request,
        "phase": "",
        "attempt": 0,
        "cancel_requested": False,
        "vcenter": run.place.vcenter,
        "host": run.place.host,
        "retry_of": run.retry_of,
        "retry_number": run.retry_number,
        "not_before": run.not_before,
    }


def run_of(row: RunRow) -> Run:
    """The run that a row holds."""
    return Run(
        id=RunId(row.id),
        kind=RunKind(row.kind),
        subject=row.subject,
        subject_name=row.subject_name,
        state=RunState(row.state),
        requested_at=row.requested_at,
        request=row.request,
        started_at=row.started_at,
        ended_at=row.ended_at,
        phase=row.phase,
        attempt=row.attempt,
        cancel_requested=row.cancel_requested,
        failure=None if row.failure is None else from_json(RunFailure, row.failure),
        result=row.result,
        progress=RunProgress() if row.progress is None else from_json(RunProgress, row.progress),
        place=RunPlace(row.vcenter, row.host),
        retry_of=None if row.retry_of is None else RunId(row.retry_of),
        retry_number=row.retry_number,
        not_before=row.not_before,
    )

"""What needs a person: told from the estate and the queue, worst first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from appliance.model.runs import Run, RunState
from appliance.services.estate import Estate, EstateMachine
from appliance.services.protection import Protection
from appliance.state import StoredNotice

NAMED_MACHINES = 5
"""More failed machines than these are told of in one line."""


class DutyKind(StrEnum):
    """What is to be done; the console gives each a place to do it."""

    REACH_VCENTER = "reach-vcenter"
    REACH_REPOSITORY = "reach-repository"
    START_ENGINE = "start-engine"
    MEND_NOTIFIER = "mend-notifier"
    READ_FAILED_RUN = "read-failed-run"
    LOOK_AT_FAILED = "look-at-failed"
    LOOK_AT_LATE = "look-at-late"
    PROTECT_MACHINES = "protect-machines"
    PLAN_MACHINES = "plan-machines"
    LOOK_AT_GAPS = "look-at-gaps"


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing to do; `subject` is the run it is about, where it is about one."""

    kind: DutyKind
    title: str
    reason: str
    is_urgent: bool
    subject: str = ""


def duties_of(
    estate: Estate, active: Sequence[Run], *, engine_runs: bool, undelivered: StoredNotice | None = None
) -> tuple[Duty, ...]:
    """Everything that waits for a person, worst first; `undelivered` is a message that nobody takes."""
    return (
        *_unreachable(estate),
        *_without_engine(active, engine_runs=engine_runs),
        *_undelivered(undelivered),
        *_failed(estate),
        *_late(estate),
        *_unprotected(estate),
        *_with_gaps(estate),
    )


def _unreachable(estate: Estate) -> Iterator[Duty]:
    if estate.points_failure is not None:
        failure = estate.points_failure
        title = f"The repository cannot be read since {failure.since:%d %b %H:%M} UTC"
        yield Duty(DutyKind.REACH_REPOSITORY, title, f"{failure.message} ({failure.code})", is_urgent=True)
    for vcenter in estate.vcenters:
        if vcenter.failure is not None:
            title = f"{vcenter.name} cannot be read since {vcenter.failure.since:%d %b %H:%M} UTC"
            reason = f"{vcenter.failure.message} ({vcenter.failure.code})"
            yield Duty(DutyKind.REACH_VCENTER, title, reason, is_urgent=True)


def _without_engine(active: Sequence[Run], *, engine_runs: bool) -> Iterator[Duty]:
    waiting = [run for run in active if run.state is not RunState.RUNNING]
    if waiting and not engine_runs:
        title = f"No engine is running, and {_counted(len(waiting), 'run waits', 'runs wait')} for one"
        yield Duty(DutyKind.START_ENGINE, title, "Start it on the appliance: keepline engine", is_urgent=True)


def _undelivered(notice: StoredNotice | None) -> Iterator[Duty]:
    if notice is not None and notice.failing_since is not None and notice.failure is not None:
        title = f"A notification could not be delivered since {notice.failing_since:%d %b %H:%M} UTC"
        reason = f"{notice.failure.message} ({notice.failure.code})"
        yield Duty(DutyKind.MEND_NOTIFIER, title, reason, is_urgent=True)


def _failed(estate: Estate) -> Iterator[Duty]:
    failed = [machine for machine in estate.machines if machine.protection is Protection.FAILED]
    for machine in failed[:NAMED_MACHINES]:
        title = f"The last backup of {machine.name} failed"
        yield Duty(
            DutyKind.READ_FAILED_RUN,
            title,
            _last_point(machine),
            is_urgent=True,
            subject=machine.failed_run or "",
        )
    if len(failed) > NAMED_MACHINES:
        count = len(failed) - NAMED_MACHINES
        title = f"The last backup of {_counted(count, 'more machine', 'more machines')} failed"
        yield Duty(DutyKind.LOOK_AT_FAILED, title, _names(failed[NAMED_MACHINES:]), is_urgent=True)


def _late(estate: Estate) -> Iterator[Duty]:
    late = [machine for machine in estate.machines if machine.protection is Protection.LATE]
    if late:
        verb = "has" if len(late) == 1 else "have"
        title = f"{_counted(len(late), 'machine', 'machines')} {verb} no point although one was due"
        yield Duty(DutyKind.LOOK_AT_LATE, title, _dues(late), is_urgent=False)


def _unprotected(estate: Estate) -> Iterator[Duty]:
    never = [machine for machine in estate.machines if machine.protection is Protection.NEVER]
    if never:
        verb = "has" if len(never) == 1 else "have"
        title = f"{_counted(len(never), 'machine', 'machines')} {verb} neither policy nor point"
        yield Duty(DutyKind.PROTECT_MACHINES, title, _names(never), is_urgent=False)
    alone = [machine for machine in estate.machines if machine.protection is Protection.UNPLANNED]
    if alone:
        title = f"No policy makes points of {_counted(len(alone), 'machine', 'machines')}"
        yield Duty(DutyKind.PLAN_MACHINES, title, _names(alone), is_urgent=False)


def _with_gaps(estate: Estate) -> Iterator[Duty]:
    gaps = [machine for machine in estate.machines if machine.has_gaps]
    if gaps:
        title = f"The newest point of {_counted(len(gaps), 'machine', 'machines')} lacks a disk"
        yield Duty(DutyKind.LOOK_AT_GAPS, title, _names(gaps), is_urgent=False)


def _last_point(machine: EstateMachine) -> str:
    if machine.protected_at is None:
        return "It has no recovery point."
    return f"Its newest recovery point is of {machine.protected_at:%d %b %H:%M} UTC."


def _names(machines: Sequence[EstateMachine]) -> str:
    named = ", ".join(machine.name for machine in machines[:NAMED_MACHINES])
    more = len(machines) - NAMED_MACHINES
    return f"{named} and {more} more" if more > 0 else named


def _dues(machines: Sequence[EstateMachine]) -> str:
    oldest = min((machine.overdue_since for machine in machines if machine.overdue_since), default=None)
    since = f", the first since {oldest:%d %b %H:%M} UTC" if oldest else ""
    return f"{_names(machines)}{since}"


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"

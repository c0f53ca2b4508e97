"""What is to be told: failed nights, silence, and its end. Pure: restarts and double looks change nothing.

A night is told once, when the last run of its due time has ended for good, or after `SILENT_AFTER`. Silence
is told when it is found out, once a day while it lasts, and when it is over. Everything is decided from
what the state database holds, the notices that were told among it: nothing is remembered between two looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.model.notifications import (
    MachineTrouble,
    Notice,
    NoticeKey,
    NoticeKind,
    NoticeMachine,
    NoticeReason,
)
from appliance.model.policies import DueTime, Policy
from appliance.model.runs import ENDED_STATES, RunState
from appliance.scheduling import latest_due
from appliance.state import FiredDueTime, FiredMachine, NoticeFacts, SignOfLife, ToldNotice, night_key

SILENT_AFTER = timedelta(hours=26)
"""A nightly backup with two hours of slack: counted from when a due time was taken up."""
OVERDUE_AFTER = timedelta(hours=1)
"""An engine takes a due time up within half a minute, and tries a vCenter that is away as often."""
REMINDED_AFTER = timedelta(hours=24)
RETRY_GRACE = timedelta(minutes=5)
"""A run that may be repeated has failed for good when nobody has queued the repetition by then."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What a policy owes: a due time that nobody took up, and machines that were not heard of since."""

    overdue: DueTime | None = None
    machines: tuple[FiredMachine, ...] = ()
    since: datetime | None = None

    @property
    def is_broken(self) -> bool:
        """Whether nothing is owed."""
        return self.overdue is None and not self.machines


def notices_of(facts: NoticeFacts, now: datetime) -> tuple[Notice, ...]:
    """Everything that is to be told now and was not told."""
    nights = (notice for due in facts.fired if (notice := _night(facts, due, now)) is not None)
    episodes = (notice for policy in facts.policies if (notice := _episode(facts, policy, now)) is not None)
    return (*nights, *episodes)


def silence_of(facts: NoticeFacts, policy: Policy, now: datetime) -> Silence:
    """What this policy owes at `now`; nothing, where it is disabled."""
    if not policy.enabled:
        return Silence()
    newest = _newest(facts, policy, now)
    due = latest_due(policy, now - OVERDUE_AFTER)
    overdue = due if due is not None and (newest is None or newest.due_at < due.at) else None
    bound = _newest(facts, policy, now - SILENT_AFTER)
    if newest is None or bound is None:
        return Silence(overdue)
    still_meant = {machine.subject: machine for machine in newest.machines}
    silent = tuple(
        still_meant[machine.subject]
        for machine in bound.machines
        if machine.subject in still_meant and not _was_heard(facts, machine, bound.due_at)
    )
    return Silence(overdue, silent, bound.due_at)


def _night(facts: NoticeFacts, due: FiredDueTime, now: datetime) -> Notice | None:
    """The notice of a due time, if its runs have all ended and there is something to tell."""
    policy = next((each for each in facts.policies if each.id == due.policy), None)
    key = night_key(due.policy, due.due_at)
    if policy is None or due.fired_at < facts.since or any(told.key == key for told in facts.told):
        return None
    if not _is_over(due, now):
        return None
    told = tuple(_machines(facts, due.machines))
    kind, title = _night_words(told, len(due.machines))
    if kind is None:
        return None
    reason = None
    if kind is NoticeKind.NOTHING_SELECTED:
        reason = NoticeReason(
            f"Its selection fits no machine of vCenter {policy.vcenter}.",
            "Correct the selection, or disable the policy. `keepline policy show` tells what it means.",
        )
    title = f"{policy.name}: {title}"
    return Notice(key, kind, now, title, policy.id, policy.name, due.due_at, told, reason)


def _night_words(told: Sequence[NoticeMachine], count: int) -> tuple[NoticeKind | None, str]:
    failed = [machine for machine in told if machine.trouble is MachineTrouble.FAILED]
    gaps = [machine for machine in told if machine.trouble is MachineTrouble.GAPS]
    if len(failed) == 1:
        return NoticeKind.FAILED, f"the backup of {failed[0].name} failed"
    if failed:
        return NoticeKind.FAILED, f"the backups of {len(failed)} of {count} machines failed"
    if gaps:
        return NoticeKind.GAPS, f"{len(gaps)} of {count} recovery points lack a disk"
    if not count:
        return NoticeKind.NOTHING_SELECTED, "it was due, and means no machine"
    return None, ""


def _episode(facts: NoticeFacts, policy: Policy, now: datetime) -> Notice | None:
    """The notice that a policy's silence begins, lasts or is over."""
    last = _last_told(facts, policy)
    is_told = last is not None and last.kind is NoticeKind.SILENCE
    silence = silence_of(facts, policy, now)
    if not silence.is_broken:
        if is_told and last is not None and now - last.at < REMINDED_AFTER:
            return None
        return _silence_notice(facts, policy, silence, now)
    if last is None or not is_told or not policy.enabled:
        return None
    return _end_of_silence(facts, policy, last, now)


def _silence_notice(facts: NoticeFacts, policy: Policy, silence: Silence, now: datetime) -> Notice:
    names = [machine.name for machine in silence.machines]
    if silence.overdue is not None:
        title = f"no backups: nobody took it up when it was due at {silence.overdue.at:%Y-%m-%d %H:%M} UTC"
    elif len(names) == 1:
        title = f"nothing was heard of {names[0]}: neither a recovery point nor a failure"
    else:
        title = f"nothing was heard of {len(names)} machines: neither recovery points nor failures"
    due_at = silence.overdue.at if silence.overdue else silence.since
    machines = tuple(_machine(facts, machine, MachineTrouble.SILENT) for machine in silence.machines)
    key = NoticeKey(f"silence/{policy.id}/{now.isoformat()}")
    title = f"{policy.name}: {title}"
    return Notice(key, NoticeKind.SILENCE, now, title, policy.id, policy.name, due_at, machines)


def _end_of_silence(facts: NoticeFacts, policy: Policy, last: ToldNotice, now: datetime) -> Notice | None:
    """That it works again, once a point of one of its machines proves it."""
    newest = _newest(facts, policy, now)
    machines = () if newest is None else newest.machines
    ended = [_sign(facts, machine).point_at for machine in machines]
    if not any(at is not None and at > last.at for at in ended):
        return None
    key = NoticeKey(f"works-again/{policy.id}/{last.at.isoformat()}")
    title = f"{policy.name}: backups work again"
    return Notice(key, NoticeKind.WORKS_AGAIN, now, title, policy.id, policy.name)


def _newest(facts: NoticeFacts, policy: Policy, until: datetime) -> FiredDueTime | None:
    taken_up = (due for due in facts.fired if due.policy == policy.id and due.fired_at <= until)
    return max(taken_up, key=lambda due: (due.due_at, due.key), default=None)


def _last_told(facts: NoticeFacts, policy: Policy) -> ToldNotice | None:
    kinds = (NoticeKind.SILENCE, NoticeKind.WORKS_AGAIN)
    told = (each for each in facts.told if each.policy == policy.id and each.kind in kinds)
    return max(told, key=lambda each: (each.at, each.kind is NoticeKind.SILENCE), default=None)


def _is_over(due: FiredDueTime, now: datetime) -> bool:
    """Whether all has ended for good; a run that hangs does not hide the failures of the others for ever."""
    is_long_ago = now - due.fired_at >= SILENT_AFTER
    return is_long_ago or all(_has_ended_for_good(machine, now) for machine in due.machines)


def _has_ended_for_good(machine: FiredMachine, now: datetime) -> bool:
    if machine.state not in ENDED_STATES or machine.ended_at is None:
        return False
    may_be_repeated = machine.failure is not None and machine.failure.transient
    return not may_be_repeated or now - machine.ended_at >= RETRY_GRACE


def _was_heard(facts: NoticeFacts, machine: FiredMachine, since: datetime) -> bool:
    sign = _sign(facts, machine)
    return any(at is not None and at >= since for at in (sign.point_at, sign.failed_at))


def _sign(facts: NoticeFacts, machine: FiredMachine) -> SignOfLife:
    return facts.signs.get(machine.subject, SignOfLife())


_TROUBLES = {
    RunState.FAILED: MachineTrouble.FAILED,
    RunState.COMPLETED_WITH_GAPS: MachineTrouble.GAPS,
    RunState.CANCELLED: MachineTrouble.CANCELLED,
}


def _machines(facts: NoticeFacts, machines: Sequence[FiredMachine]) -> Iterator[NoticeMachine]:
    """Those that are worth a word; for one that was cancelled alone nobody is written to."""
    for machine in machines:
        if machine.state is not RunState.SUCCEEDED:
            yield _machine(facts, machine, _TROUBLES.get(machine.state, MachineTrouble.SILENT))


def _machine(facts: NoticeFacts, machine: FiredMachine, trouble: MachineTrouble) -> NoticeMachine:
    failure = machine.failure
    message = failure.message if failure else ""
    if trouble is MachineTrouble.SILENT:
        message = f"its last run is {machine.state}"
    return NoticeMachine(
        name=machine.name,
        trouble=trouble,
        run=machine.run,
        last_point_at=facts.points.get(machine.subject),
        missing_disks=machine.missing_disks,
        code=failure.code if failure else "",
        message=message,
        remedy=failure.remedy if failure else "",
    )

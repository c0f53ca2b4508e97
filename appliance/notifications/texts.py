"""A notice as people read it: plain text, the same in e-mails and in webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from appliance.model.notifications import MachineTrouble, Notice, NoticeMachine

NAMED_MACHINES = 200
"""A whole estate that failed is told in numbers: nobody reads on, and mail servers refuse huge messages."""

_HEADINGS = {
    MachineTrouble.FAILED: "Failed",
    MachineTrouble.SILENT: "Neither a recovery point nor a failure",
    MachineTrouble.GAPS: "Recovery points that lack a disk",
    MachineTrouble.CANCELLED: "Cancelled by a person",
}


def text_of(notice: Notice, signature: str) -> str:
    """The message's text, ending with who sends it."""
    return "\n".join([notice.title, *_body(notice), "", "-- ", f"{signature}. Times are UTC.", ""])


def moment_text(moment: datetime) -> str:
    """`2026-11-22 02:30`, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def age_text(age: timedelta) -> str:
    """`3 d`, `26 h`, `5 min`: in the unit that tells most."""
    minutes = max(int(age.total_seconds()), 0) // 60
    hours, days = minutes // 60, minutes // 60 // 24
    if days > 2:  # noqa: PLR2004 - a backup's age is told in hours for two days
        return f"{days} d"
    return f"{hours} h" if hours else f"{minutes} min"


def _body(notice: Notice) -> Iterator[str]:
    if notice.policy_name:
        yield ""
        yield f"Policy: {notice.policy_name}"
    if notice.due_at is not None:
        yield f"Due at: {moment_text(notice.due_at)}"
    if notice.reason is not None:
        code = f" ({notice.reason.code})" if notice.reason.code else ""
        yield from ("", f"{notice.reason.text}{code}", notice.reason.remedy)
    for trouble, heading in _HEADINGS.items():
        machines = [machine for machine in notice.machines if machine.trouble is trouble]
        if machines:
            yield from ("", f"{heading}: {len(machines)}", *_machines(machines, notice.at))


def _machines(machines: Sequence[NoticeMachine], at: datetime) -> Iterator[str]:
    for machine in machines[:NAMED_MACHINES]:
        yield from _machine(machine, at)
    if len(machines) > NAMED_MACHINES:
        yield f"* and {len(machines) - NAMED_MACHINES} more: see `keepline run list`"


def _machine(machine: NoticeMachine, at: datetime) -> Iterator[str]:
    facts = [machine.message] if machine.message else []
    if machine.missing_disks:
        facts.append(f"without {', '.join(machine.missing_disks)}")
    told = f": {'; '.join(facts)}" if facts else ""
    code = f" ({machine.code})" if machine.code else ""
    yield f"* {machine.name}{told}{code}"
    if machine.remedy:
        yield f"  {machine.remedy}"
    yield f"  run {machine.run}, {_last_point(machine, at)}"


def _last_point(machine: NoticeMachine, at: datetime) -> str:
    if machine.last_point_at is None:
        return "no good recovery point yet"
    age = age_text(at - machine.last_point_at)
    return f"last good recovery point of {moment_text(machine.last_point_at)}, {age} old"

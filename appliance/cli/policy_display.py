"""Policies for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from appliance.cli.documents import Document, document_of, error_document
from appliance.cli.output import Output
from appliance.cli.quantities import time_text
from appliance.model.policies import Policy, Retention
from appliance.services import ListedPolicy, MachineRetention, PolicyView

LIST_HEADINGS = ("POLICY", "VCENTER", "SCHEDULE", "ZONE", "KEEPS", "NEXT DUE")


def print_policies(output: Output, policies: Sequence[ListedPolicy]) -> None:
    """A table, and a warning about each that meant nothing when it was due last."""
    output.table(LIST_HEADINGS, [_row(listed) for listed in policies])
    for listed in policies:
        if listed.meant_nothing:
            output.warn(f"{listed.policy.name} meant no machine when it was due last")


def print_made(output: Output, listed: ListedPolicy, view: PolicyView) -> None:
    """A policy that was just made or changed: when it is due, what it means, and what follows."""
    output.line(f"{listed.policy.name}: next due {_next_due_text(listed.next_due)}")
    print_machines(output, view)
    for remark in listed.remarks:
        output.notice(remark)


def print_view(output: Output, view: PolicyView) -> None:
    """All there is to say about one policy."""
    policy = view.policy
    output.line(f"policy       {policy.name}")
    output.line(f"vcenter      {policy.vcenter}")
    output.line(f"schedule     {policy.schedule.cron} ({policy.schedule.zone})")
    output.line(f"next due     {_next_due_text(view.next_due)}")
    output.line(f"means        {_selection_text(policy)}")
    output.line(f"keeps        {_retention_text(policy.retention)}")
    output.line(f"consistency  {policy.consistency}")
    if policy.accepted_disks:
        output.line(f"may be missing  {', '.join(policy.accepted_disks)}")
    for firing in view.firings:
        output.line(f"was due      {time_text(firing.due_at)}: {', '.join(firing.runs) or 'no machine'}")
    print_machines(output, view)


def print_machines(output: Output, view: PolicyView) -> None:
    """Which machines a policy means, and what may be mistyped."""
    if view.failure is not None:
        output.warn(f"which machines it means cannot be told: {view.failure} ({view.failure.code})")
    if view.machines is not None:
        for each in view.machines.selected:
            output.line(f"machine      {each.machine.name}: {each.because}")
        for left_out in view.machines.left_out:
            output.line(f"not          {left_out.machine.name}: {left_out.reason}")
    for warning in view.warnings:
        output.warn(warning)


def print_retention(output: Output, retention: Sequence[MachineRetention], what: str) -> None:
    """Which points go, and how many stay; `what` says of the former what becomes of them."""
    for each in retention:
        for point in each.plan.retire:
            output.line(f"{each.machine_name}: {point.id} of {time_text(point.created_at)} {what}")
        if each.plan.refusal:
            output.warn(f"{each.machine_name}: nothing is retired: {each.plan.refusal}")
    kept = sum(len(each.plan.keep) + len(each.plan.held_back) for each in retention)
    gone = sum(len(each.plan.retire) for each in retention)
    output.line(f"{gone} points {what}, {kept} stay")


def view_document(view: PolicyView) -> Document:
    """The same as one JSON document."""
    document: Document = {
        "policy": document_of(view.policy),
        "next_due": document_of(view.next_due),
        "firings": document_of(view.firings),
        "machines": document_of(view.machines),
        "warnings": document_of(view.warnings),
    }
    return document if view.failure is None else document | error_document(view.failure)


def _row(listed: ListedPolicy) -> tuple[str, ...]:
    policy = listed.policy
    return (
        policy.name,
        policy.vcenter,
        policy.schedule.cron,
        policy.schedule.zone,
        _retention_text(policy.retention),
        _next_due_text(listed.next_due),
    )


def _next_due_text(moment: datetime | None) -> str:
    return "never: it is disabled" if moment is None else time_text(moment)


def _selection_text(policy: Policy) -> str:
    selection = policy.selection
    words = [*selection.names, *selection.folders, *(f"tag {tag}" for tag in selection.tags)]
    words += [f"not {pattern}" for pattern in selection.exclude_names]
    return ", ".join(words)


def _retention_text(retention: Retention) -> str:
    counts = {
        "daily": retention.daily,
        "weekly": retention.weekly,
        "monthly": retention.monthly,
        "yearly": retention.yearly,
    }
    return ", ".join([f"last {retention.keep_last}", *(f"{n} {name}" for name, n in counts.items() if n)])

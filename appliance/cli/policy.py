"""`keepline policy add|list|show|remove|simulate|retire`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer

from appliance.cli.documents import Document, document_of, error_document
from appliance.cli.invocation import JsonOption, VcenterOption, invocation_of
from appliance.cli.output import Output
from appliance.cli.quantities import time_text
from appliance.model.policies import Policy, PolicyId, Retention
from appliance.services import (
    ListedPolicy,
    MachineRetention,
    NewPolicy,
    PolicyView,
    RetentionWords,
    SimulatedPlan,
)

application = typer.Typer(help="Policies: which machines are backed up when, and which points are kept.")

NameArgument = Annotated[str, typer.Argument(metavar="POLICY", help="See `keepline policy list`.")]
LastOption = Annotated[int | None, typer.Option("--keep-last", help="Keep so many newest points.")]
DailyOption = Annotated[int | None, typer.Option("--keep-daily", help="Keep a point of so many days.")]
WeeklyOption = Annotated[int | None, typer.Option("--keep-weekly", help="Keep a point of so many weeks.")]
MonthlyOption = Annotated[int | None, typer.Option("--keep-monthly", help="Keep a point of so many months.")]
YearlyOption = Annotated[int | None, typer.Option("--keep-yearly", help="Keep a point of so many years.")]


ScheduleOption = Annotated[
    str,
    typer.Option(
        "--schedule",
        metavar="CRON",
        help='Minute, hour, day of the month, month, weekday by name: "30 2 * * mon-fri".',
    ),
]
ZoneOption = Annotated[
    str, typer.Option("--zone", help="Time zone of the schedule: UTC, or say Europe/Paris.")
]
VmOption = Annotated[
    list[str] | None, typer.Option("--vm", metavar="PATTERN", help='Machines by name: "web-*".')
]
FolderOption = Annotated[
    list[str] | None,
    typer.Option("--folder", metavar="PATH", help="Machines below an inventory folder: /DC/vm/Prod."),
]
ExcludeOption = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Not those with this name.")
]
AcceptOption = Annotated[
    list[str] | None,
    typer.Option("--accept-missing", metavar="DISK", help="A disk, by label, that may be missing."),
]
DisabledOption = Annotated[bool, typer.Option("--disabled", help="Make it, but start nothing by it.")]


@application.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="POLICY", help="A name for it, free to choose.")],
    *,
    schedule: ScheduleOption,
    zone: ZoneOption = "UTC",
    vm: VmOption = None,
    folder: FolderOption = None,
    exclude: ExcludeOption = None,
    vcenter: VcenterOption = None,
    accept_missing: AcceptOption = None,
    keep_last: LastOption = None,
    keep_daily: DailyOption = None,
    keep_weekly: WeeklyOption = None,
    keep_monthly: MonthlyOption = None,
    keep_yearly: YearlyOption = None,
    disabled: DisabledOption = False,
    json: JsonOption = False,
) -> None:
    """Make a policy. Without a word on retention, the last 7 points are kept."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        new = NewPolicy(
            name=name,
            vcenter=vcenter or appliance.vcenters.name_of_only(),
            cron=schedule,
            zone=zone,
            names=tuple(vm or ()),
            folders=tuple(folder or ()),
            exclude_names=tuple(exclude or ()),
            retention=RetentionWords(keep_last, keep_daily, keep_weekly, keep_monthly, keep_yearly),
            accepted_disks=tuple(accept_missing or ()),
            enabled=not disabled,
        )
        added = appliance.policies.add(new)
        view = appliance.policies.view(name)
    if json:
        invocation.output.document({"policy": document_of(added)})
        return
    invocation.output.line(f"{name}: next due {_next_due_text(added.next_due)}")
    _print_machines(invocation.output, view)


@application.command(name="list")
def list_policies(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the policies."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        policies = appliance.policies.list()
    if json:
        invocation.output.document({"policies": document_of(policies)})
        return
    headings = ("POLICY", "VCENTER", "SCHEDULE", "ZONE", "KEEPS", "NEXT DUE")
    invocation.output.table(headings, [_row(listed) for listed in policies])


@application.command()
def show(context: typer.Context, policy: NameArgument, *, json: JsonOption = False) -> None:
    """Show a policy, what it has done last, and which machines it means today."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        view = appliance.policies.view(policy)
    if json:
        invocation.output.document(_view_document(view))
    else:
        _print_view(invocation.output, view)


@application.command()
def remove(context: typer.Context, policy: NameArgument, *, json: JsonOption = False) -> None:
    """Forget a policy. Its runs and recovery points stay; nothing retires them any more."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        appliance.policies.remove(policy)
    if json:
        invocation.output.document({"removed": policy})
    else:
        invocation.output.line(f"{policy}: removed")


@application.command()
def simulate(
    context: typer.Context,
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="How far to look ahead.")] = 7,
    *,
    json: JsonOption = False,
) -> None:
    """Show which runs are to come, and which points retention would retire now. Nothing is changed."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        plans = appliance.due_policies.simulate(days)
        retention = appliance.retention.plans()
        names = {listed.policy.id: listed.policy.name for listed in appliance.policies.list()}
    if json:
        invocation.output.document(
            {"plans": document_of(plans), "retention": document_of(retention), "policies": names}
        )
        return
    headings = ("WHEN", "LOCAL TIME", "POLICY", "MACHINES")
    invocation.output.table(headings, [row for plan in plans for row in _plan_rows(plan, names)])
    _print_retention(invocation.output, retention, "would be retired")


@application.command()
def retire(
    context: typer.Context,
    *,
    accept_many: Annotated[
        bool, typer.Option("--accept-many", help="Also where many points of a machine go at once.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Retire now what no policy keeps; the engine does it after each backup. Nothing is deleted."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        retention = appliance.retention.apply(accept_flood=accept_many)
    if json:
        invocation.output.document({"retention": document_of(retention)})
    else:
        _print_retention(invocation.output, retention, "retired")


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


def _plan_rows(simulated: SimulatedPlan, names: Mapping[PolicyId, str]) -> Iterator[tuple[str, ...]]:
    for due in simulated.plan.settled:
        machines = [run.machine.name for run in simulated.plan.runs if due in run.due_times]
        local = f"{due.local:%a %Y-%m-%d %H:%M}"
        yield time_text(simulated.at), local, names[due.policy], ", ".join(machines) or "none"


def _print_view(output: Output, view: PolicyView) -> None:
    policy = view.policy
    output.line(f"policy       {policy.name}")
    output.line(f"vcenter      {policy.vcenter}")
    output.line(f"schedule     {policy.schedule.cron} ({policy.schedule.zone})")
    output.line(f"next due     {_next_due_text(view.next_due)}")
    output.line(f"means        {_selection_text(policy)}")
    output.line(f"keeps        {_retention_text(policy.retention)}")
    if policy.accepted_disks:
        output.line(f"may be missing  {', '.join(policy.accepted_disks)}")
    for firing in view.firings:
        output.line(f"was due      {time_text(firing.due_at)}: {', '.join(firing.runs) or 'no machine'}")
    _print_machines(output, view)


def _print_machines(output: Output, view: PolicyView) -> None:
    if view.failure is not None:
        output.warn(f"which machines it means cannot be told: {view.failure} ({view.failure.code})")
    if view.machines is None:
        return
    for each in view.machines.selected:
        output.line(f"machine      {each.machine.name}: {each.because}")
    for left_out in view.machines.left_out:
        output.line(f"not          {left_out.machine.name}: {left_out.reason}")
    if not view.machines.selected:
        output.warn("it means no machine today")


def _print_retention(output: Output, retention: Sequence[MachineRetention], what: str) -> None:
    for each in retention:
        for point in each.plan.retire:
            output.line(f"{each.machine_name}: {point.id} of {time_text(point.created_at)} {what}")
        if each.plan.refusal:
            output.warn(f"{each.machine_name}: nothing is retired: {each.plan.refusal}")
    kept = sum(len(each.plan.keep) + len(each.plan.held_back) for each in retention)
    gone = sum(len(each.plan.retire) for each in retention)
    output.line(f"{gone} points {what}, {kept} stay")


def _view_document(view: PolicyView) -> Document:
    document: Document = {
        "policy": document_of(view.policy),
        "next_due": document_of(view.next_due),
        "firings": document_of(view.firings),
        "machines": document_of(view.machines),
    }
    return document if view.failure is None else document | error_document(view.failure)


def _next_due_text(moment: datetime | None) -> str:
    return "never: it is disabled" if moment is None else time_text(moment)


def _selection_text(policy: Policy) -> str:
    selection = policy.selection
    words = [*selection.names, *selection.folders, *map(str, selection.tags)]
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

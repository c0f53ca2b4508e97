"""`keepline policy add|change|enable|disable|list|show|remove|simulate|retire`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any  # Any: a policy's words are of several types

import typer

from appliance.cli.documents import document_of
from appliance.cli.invocation import Invocation, JsonOption, VcenterOption, invocation_of
from appliance.cli.policy_display import (
    print_made,
    print_policies,
    print_retention,
    print_view,
    view_document,
)
from appliance.cli.policy_options import (
    AcceptOption,
    ConsistencyOption,
    DailyOption,
    DisabledOption,
    ExcludeOption,
    FolderOption,
    LastOption,
    MonthlyOption,
    NameArgument,
    NewNameOption,
    ScheduleOption,
    TagOption,
    VmOption,
    WeeklyOption,
    YearlyOption,
    ZoneOption,
)
from appliance.cli.quantities import time_text
from appliance.model.policies import PolicyId
from appliance.model.recovery_points import Consistency
from appliance.services import (
    ListedPolicy,
    NewPolicy,
    PolicyService,
    PolicyView,
    RetentionWords,
    SimulatedPlan,
)

application = typer.Typer(help="Policies: which machines are backed up when, and which points are kept.")


@application.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="POLICY", help="A name for it, free to choose.")],
    *,
    schedule: Annotated[str, ScheduleOption],
    zone: Annotated[str, ZoneOption] = "UTC",
    vm: VmOption = None,
    folder: FolderOption = None,
    tag: TagOption = None,
    exclude: ExcludeOption = None,
    vcenter: VcenterOption = None,
    consistency: ConsistencyOption = None,
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
            tags=tuple(tag or ()),
            exclude_names=tuple(exclude or ()),
            retention=RetentionWords(keep_last, keep_daily, keep_weekly, keep_monthly, keep_yearly),
            accepted_disks=tuple(accept_missing or ()),
            enabled=not disabled,
            consistency=consistency or Consistency.CRASH,
        )
        added = appliance.policies.add(new)
        view = appliance.policies.view(name)
    _print_made(invocation, added, view, json=json)


@application.command()
def change(
    context: typer.Context,
    policy: NameArgument,
    *,
    name: NewNameOption = None,
    schedule: Annotated[str | None, ScheduleOption] = None,
    zone: Annotated[str | None, ZoneOption] = None,
    vm: VmOption = None,
    folder: FolderOption = None,
    tag: TagOption = None,
    exclude: ExcludeOption = None,
    vcenter: VcenterOption = None,
    consistency: ConsistencyOption = None,
    accept_missing: AcceptOption = None,
    keep_last: LastOption = None,
    keep_daily: DailyOption = None,
    keep_weekly: WeeklyOption = None,
    keep_monthly: MonthlyOption = None,
    keep_yearly: YearlyOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is said of a policy, and nothing else; an empty text takes all of a kind away: --tag ""."""
    said: dict[str, Any] = {
        "name": name,
        "vcenter": vcenter,
        "cron": schedule,
        "zone": zone,
        "names": _listed(vm),
        "folders": _listed(folder),
        "tags": _listed(tag),
        "exclude_names": _listed(exclude),
        "accepted_disks": _listed(accept_missing),
        "consistency": consistency,
    }
    kept = RetentionWords(keep_last, keep_daily, keep_weekly, keep_monthly, keep_yearly)
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        changed = _changed(appliance.policies, policy, said, kept)
        view = appliance.policies.view(changed.policy.name)
    _print_made(invocation, changed, view, json=json)


@application.command()
def enable(context: typer.Context, policy: NameArgument, *, json: JsonOption = False) -> None:
    """Start backups by a policy again, from its next due time on."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        enabled = appliance.policies.enable(policy)
        view = appliance.policies.view(policy)
    _print_made(invocation, enabled, view, json=json)


@application.command()
def disable(context: typer.Context, policy: NameArgument, *, json: JsonOption = False) -> None:
    """Start nothing by a policy any more. Its retention still keeps its points."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        disabled = appliance.policies.disable(policy)
    if json:
        invocation.output.document({"policy": document_of(disabled)})
        return
    invocation.output.line(f"{policy}: disabled")
    for remark in disabled.remarks:
        invocation.output.notice(remark)


@application.command(name="list")
def list_policies(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the policies."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        policies = appliance.policies.list()
    if json:
        invocation.output.document({"policies": document_of(policies)})
    else:
        print_policies(invocation.output, policies)


@application.command()
def show(context: typer.Context, policy: NameArgument, *, json: JsonOption = False) -> None:
    """Show a policy, what it has done last, and which machines it means today."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        view = appliance.policies.view(policy)
    if json:
        invocation.output.document(view_document(view))
    else:
        print_view(invocation.output, view)


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
    print_retention(invocation.output, retention, "would be retired")


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
        print_retention(invocation.output, retention, "retired")


def _print_made(invocation: Invocation, listed: ListedPolicy, view: PolicyView, *, json: bool) -> None:
    if json:
        document = {"policy": document_of(listed), "warnings": document_of(view.warnings)}
        invocation.output.document(document)
    else:
        print_made(invocation.output, listed, view)


def _changed(
    policies: PolicyService, name: str, said: Mapping[str, Any], kept: RetentionWords
) -> ListedPolicy:
    words = policies.words_of(name)
    retention = replace(words.retention, **_spoken(kept))
    new = replace(words, retention=retention, **{key: each for key, each in said.items() if each is not None})
    return policies.change(name, new)


def _spoken(kept: RetentionWords) -> dict[str, int]:
    numbers = {field: getattr(kept, field) for field in RetentionWords.__slots__}
    return {field: number for field, number in numbers.items() if number is not None}


def _listed(words: list[str] | None) -> tuple[str, ...] | None:
    """The words of an option that can be repeated: None where it was left out, none where it was empty."""
    return tuple(filter(None, words)) if words else None


def _plan_rows(simulated: SimulatedPlan, names: Mapping[PolicyId, str]) -> Iterator[tuple[str, ...]]:
    for due in simulated.plan.settled:
        machines = [run.machine.name for run in simulated.plan.runs if due in run.due_times]
        local = f"{due.local:%a %Y-%m-%d %H:%M}"
        yield time_text(simulated.at), local, names[due.policy], ", ".join(machines) or "none"

"""What is due, and for which machines. Pure: everything it goes by is given, time too.

A policy is due when its newest due time has not fired yet. Only the newest counts: however many were
missed, one run catches up. A due time has a name of its own (`DueTime.key`), and fires once: whatever the
clock does, whoever asks again, after a restart too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.model.policies import DueKey, DueTime, Policy, PolicyId
from appliance.model.recovery_points import Consistency
from appliance.model.virtual_machines import VirtualMachine
from appliance.scheduling.due_times import latest_due, next_due
from appliance.scheduling.selection import TaggedMachine, select_machines


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A backup that is due; `due_times` are those it is for: a machine in two due policies has one run.

    `accepted_disks` may be missing: those that every one of its policies accepts. `consistency` is the
    strongest that any of them wants.
    """

    vcenter: str
    machine: VirtualMachine
    due_times: tuple[DueTime, ...]
    accepted_disks: tuple[str, ...]
    consistency: Consistency = Consistency.CRASH


@dataclass(frozen=True, slots=True)
class Plan:
    """The runs that are due now, and the due times that they settle.

    A due time whose policy means no machine is settled by no run at all. One whose vCenter's inventory is
    not known is not settled: it stays due until vCenter answers, or until the next one takes its place.
    """

    settled: tuple[DueTime, ...]
    runs: tuple[PlannedRun, ...]


def newest_due_times(policies: Iterable[Policy], now: datetime) -> list[DueTime]:
    """The newest due time of each enabled policy that has had one, oldest first."""
    found = [latest_due(policy, now) for policy in policies if policy.enabled]
    return sorted((due for due in found if due is not None), key=lambda due: (due.at, due.policy))


def due_runs(
    policies: Collection[Policy],
    fired: Collection[DueKey],
    inventories: Mapping[str, Sequence[TaggedMachine]],
    now: datetime,
    own_bios_uuid: str = "",
) -> Plan:
    """What to begin now.

    `fired` holds at least those of the newest due times that have fired before. `inventories` holds the
    machines of each vCenter, by its name; one that does not answer is left out.
    """
    by_id = {policy.id: policy for policy in policies}
    due = [each for each in newest_due_times(policies, now) if each.key not in fired]
    settled = tuple(each for each in due if by_id[each.policy].vcenter in inventories)
    return Plan(settled, _runs(settled, by_id, inventories, own_bios_uuid))


def next_due_moment(policies: Iterable[Policy], now: datetime) -> datetime | None:
    """When a policy is due next, or None without an enabled one."""
    return min((next_due(policy, now).at for policy in policies if policy.enabled), default=None)


def _runs(
    settled: Iterable[DueTime],
    policies: Mapping[PolicyId, Policy],
    inventories: Mapping[str, Sequence[TaggedMachine]],
    own_bios_uuid: str,
) -> tuple[PlannedRun, ...]:
    runs: dict[str, PlannedRun] = {}
    for due in settled:
        policy = policies[due.policy]
        inventory = inventories[policy.vcenter]
        for each in select_machines(policy.selection, inventory, own_bios_uuid).selected:
            planned = PlannedRun(
                policy.vcenter, each.machine, (due,), policy.accepted_disks, policy.consistency
            )
            key = each.machine.identity.key
            runs[key] = _both(runs[key], planned) if key in runs else planned
    return tuple(runs.values())


def _both(first: PlannedRun, second: PlannedRun) -> PlannedRun:
    accepted = tuple(disk for disk in first.accepted_disks if disk in second.accepted_disks)
    return replace(
        first,
        due_times=first.due_times + second.due_times,
        accepted_disks=accepted,
        consistency=max(first.consistency, second.consistency, key=lambda each: each.strength),
    )

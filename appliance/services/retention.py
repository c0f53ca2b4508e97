"""Retention: which recovery points the policies keep, and the retiring of the others.

A retired point has a tombstone and is not offered any more. Nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from appliance.clock import Clock
from appliance.model.identifiers import RecoveryPointId
from appliance.model.policies import Policy
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.virtual_machines import MachineIdentity
from appliance.repository.points import ListedPoint, PointListing, list_points
from appliance.repository.retirement import retire_point
from appliance.scheduling import (
    RetainedPoint,
    RetentionPlan,
    RetentionRule,
    plan_retention,
    policies_by_machine,
)
from appliance.services.policy_inventory import PolicyInventory
from appliance.services.repositories import RepositoryService
from appliance.state import PolicyStore


class PointShelf(Protocol):
    """Where points are listed and retired."""

    def listing(self, machine: MachineIdentity | None) -> PointListing:
        """The points of one machine, or of all, that are offered, oldest first within each machine.

        Raises:
            RepositoryError: the repository is away, not ours, or newer.
        """
        ...

    def retire(self, point: RecoveryPoint, explanation: str) -> None:
        """Stop offering a point; done already is done.

        Raises:
            RepositoryError: the repository is away, or cannot be written.
        """
        ...


class RepositoryShelf:
    """Implements `PointShelf` by `appliance.repository`."""

    def __init__(self, repositories: RepositoryService, clock: Clock) -> None:
        self._repositories = repositories
        self._clock = clock

    def listing(self, machine: MachineIdentity | None) -> PointListing:
        """See `PointShelf`."""
        return list_points(self._repositories.open(), machine)

    def retire(self, point: RecoveryPoint, explanation: str) -> None:
        """See `PointShelf`."""
        retire_point(self._repositories.open(), point, self._clock, explanation)


@dataclass(frozen=True, slots=True)
class MachineRetention:
    """What retention makes of one machine's points today, and by which policies, by name."""

    machine: MachineIdentity
    machine_name: str
    policies: tuple[str, ...]
    plan: RetentionPlan


class RetentionService:
    """Applies the policies' retention to the repository."""

    def __init__(
        self, policies: PolicyStore, inventory: PolicyInventory, shelf: PointShelf, clock: Clock
    ) -> None:
        self._policies = policies
        self._inventory = inventory
        self._shelf = shelf
        self._clock = clock

    def plans(
        self, machines: Collection[MachineIdentity] | None = None, *, accept_flood: bool = False
    ) -> list[MachineRetention]:
        """What would become of the points of these machines, or of all, by name.

        A disabled policy's retention counts as well: being disabled must not cost points. Points of a
        machine that no policy means, or that is gone from its vCenter, all stay.

        Raises:
            ApplianceError: a vCenter that has policies does not answer: which rules hold cannot be told.
            RepositoryError: the points cannot be listed.
        """
        by_machine = self._policies_by_machine()
        points = self._points_by_machine(machines)
        plans = [
            self._plan(listed, by_machine.get(key, ()), accept_flood=accept_flood)
            for key, listed in points.items()
        ]
        return sorted(plans, key=lambda each: (each.machine_name, each.machine.key))

    def apply(
        self, machines: Collection[MachineIdentity] | None = None, *, accept_flood: bool = False
    ) -> list[MachineRetention]:
        """Retire what the policies do not keep; what has become of the points, as `plans` tells it.

        Raises:
            ApplianceError: as `plans`; a repository that cannot be written retires nothing more.
        """
        plans = self.plans(machines, accept_flood=accept_flood)
        for each in plans:
            self._retire(each)
        return plans

    def _retire(self, retention: MachineRetention) -> None:
        if not retention.plan.retire:
            return
        leaving = {point.id for point in retention.plan.retire}
        explanation = f"kept by no rule of {', '.join(retention.policies)}"
        for listed in self._shelf.listing(retention.machine).points:
            if listed.point.id in leaving:
                self._shelf.retire(listed.point, explanation)

    def _policies_by_machine(self) -> dict[str, tuple[Policy, ...]]:
        policies = self._policies.list()
        inventories = self._inventory.of(policies)
        for error in inventories.every_failure.values():
            raise error
        return policies_by_machine(policies, inventories.machines, self._inventory.own_bios_uuid)

    def _points_by_machine(
        self, machines: Collection[MachineIdentity] | None
    ) -> dict[str, list[ListedPoint]]:
        wanted = [None] if machines is None else list(dict.fromkeys(machines))
        found: dict[str, list[ListedPoint]] = {}
        for machine in wanted:
            for listed in self._shelf.listing(machine).points:
                found.setdefault(listed.point.machine.key, []).append(listed)
        return found

    def _plan(
        self, listed: list[ListedPoint], policies: tuple[Policy, ...], *, accept_flood: bool
    ) -> MachineRetention:
        rules = [RetentionRule(policy.name, policy.retention, policy.schedule.zone) for policy in policies]
        points = [_retained(each) for each in listed]
        plan = plan_retention(points, rules, self._clock.now(), accept_flood=accept_flood)
        newest = max(listed, key=lambda each: (each.point.created_at, each.point.id)).point
        return MachineRetention(
            newest.machine, newest.machine_name, tuple(rule.policy for rule in rules), plan
        )


def _retained(listed: ListedPoint) -> RetainedPoint:
    point = listed.point
    is_good = not point.has_gaps and not listed.suspect_marks
    return RetainedPoint(RecoveryPointId(point.id), point.created_at, is_good, point.protected_until)

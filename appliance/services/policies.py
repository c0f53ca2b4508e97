"""Policies: make, look at, remove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from appliance.clock import Clock
from appliance.errors import ApplianceError
from appliance.model.policies import Policy, PolicyId, Retention, Schedule, Selection
from appliance.scheduling import SelectedMachines, next_due_moment
from appliance.services.policy_errors import PolicyRefusedError
from appliance.services.policy_inventory import PolicyInventory
from appliance.state import Firing, PolicyStore, VcenterStore

POLICY_ID_RANDOM_BYTES = 8
POINTS_UNLESS_TOLD = 7
"""How many points a policy keeps whose retention nobody has worded."""


@dataclass(frozen=True, slots=True)
class RetentionWords:
    """How many points to keep, as far as it was said."""

    last: int | None = None
    daily: int | None = None
    weekly: int | None = None
    monthly: int | None = None
    yearly: int | None = None


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """What an admin says about a policy, as it was typed."""

    name: str
    vcenter: str
    cron: str
    zone: str = "UTC"
    names: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    exclude_names: tuple[str, ...] = ()
    retention: RetentionWords = field(default_factory=RetentionWords)
    accepted_disks: tuple[str, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ListedPolicy:
    """A policy, and when it is due next: never, while it is disabled."""

    policy: Policy
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A policy with what it has done last, and which machines it means today.

    `machines` is None where they cannot be told; `failure` says why.
    """

    policy: Policy
    next_due: datetime | None
    firings: tuple[Firing, ...]
    machines: SelectedMachines | None
    failure: ApplianceError | None


class PolicyService:
    """The policies of this appliance."""

    def __init__(
        self,
        policies: PolicyStore,
        vcenters: VcenterStore,
        inventory: PolicyInventory,
        clock: Clock,
        random_hex: Callable[[int], str],
    ) -> None:
        self._policies = policies
        self._vcenters = vcenters
        self._inventory = inventory
        self._clock = clock
        self._random_hex = random_hex

    def add(self, new: NewPolicy) -> ListedPolicy:
        """Make a policy; it is due for the first time at its next due time.

        Raises:
            PolicyRefusedError: one of its words cannot be meant.
            VcenterNotFoundError: there is no such vCenter.
            PolicyExistsError: the name is taken.
        """
        self._vcenters.find(new.vcenter)
        try:
            policy = self._policy_of(new)
        except ValueError as error:
            raise PolicyRefusedError(str(error)) from error
        self._policies.add(policy)
        return self._listed(policy)

    def list(self) -> list[ListedPolicy]:
        """All of them, by name."""
        return [self._listed(policy) for policy in self._policies.list()]

    def view(self, name: str) -> PolicyView:
        """One policy; a vCenter that does not answer hides its machines, not the policy.

        Raises:
            PolicyNotFoundError: there is none.
        """
        policy = self._policies.find(name)
        inventories = self._inventory.of([policy])
        machines = inventories.machines.get(policy.vcenter)
        return PolicyView(
            policy,
            next_due_moment([policy], self._clock.now()),
            self._policies.firings(policy.id),
            None if machines is None else self._inventory.selected(policy.selection, machines),
            inventories.failures.get(policy.vcenter),
        )

    def remove(self, name: str) -> None:
        """Forget a policy; its runs and their points stay, and retention does not count it any more.

        Raises:
            PolicyNotFoundError: there is none.
        """
        self._policies.remove(name)

    def _policy_of(self, new: NewPolicy) -> Policy:
        return Policy(
            id=PolicyId(self._random_hex(POLICY_ID_RANDOM_BYTES)),
            name=new.name,
            vcenter=new.vcenter,
            selection=Selection(new.names, new.folders, exclude_names=new.exclude_names),
            schedule=Schedule(new.cron, new.zone),
            retention=_retention_of(new.retention),
            active_since=self._clock.now(),
            accepted_disks=new.accepted_disks,
            enabled=new.enabled,
        )

    def _listed(self, policy: Policy) -> ListedPolicy:
        return ListedPolicy(policy, next_due_moment([policy], self._clock.now()))


def _retention_of(words: RetentionWords) -> Retention:
    """With any word of it said, `last` is 1 unless it is said too; with none, a plain number of points."""
    if words == RetentionWords():
        return Retention(keep_last=POINTS_UNLESS_TOLD)
    return Retention(
        keep_last=1 if words.last is None else words.last,
        daily=words.daily or 0,
        weekly=words.weekly or 0,
        monthly=words.monthly or 0,
        yearly=words.yearly or 0,
    )

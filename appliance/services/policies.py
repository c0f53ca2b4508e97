"""Policies: make, look at, change, remove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.clock import Clock
from appliance.errors import ApplianceError
from appliance.model.policies import Policy, PolicyId
from appliance.scheduling import LeftOutMachine, SelectedMachine, SelectedMachines, next_due_moment
from appliance.services.policy_changes import changed_policy, what_follows
from appliance.services.policy_errors import PolicyRefusedError
from appliance.services.policy_inventory import PolicyInventory
from appliance.services.policy_words import NewPolicy, SelectionWords, policy_of, selection_of, words_of
from appliance.state import Firing, PolicyStore, VcenterStore

POLICY_ID_RANDOM_BYTES = 8


@dataclass(frozen=True, slots=True)
class ListedPolicy:
    """A policy, and when it is due next: never, while it is disabled.

    `meant_nothing` says that no machine was meant when it was due last; `remarks` what follows from a
    change that was just made.
    """

    policy: Policy
    next_due: datetime | None
    meant_nothing: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A policy with what it has done last, and which machines it means today.

    `machines` is None where they cannot be told; `failure` says why. `warnings` name what may be mistyped.
    """

    policy: Policy
    next_due: datetime | None
    firings: tuple[Firing, ...]
    machines: SelectedMachines | None
    failure: ApplianceError | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SelectionPreview:
    """What a selection means today, before any policy has it; `warnings` name what may be mistyped."""

    selected: tuple[SelectedMachine, ...]
    left_out: tuple[LeftOutMachine, ...]
    warnings: tuple[str, ...] = ()


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
        policy = self._worded(new, PolicyId(self._random_hex(POLICY_ID_RANDOM_BYTES)))
        self._policies.add(policy)
        return self._listed(policy)

    def change(self, name: str, new: NewPolicy, expected: Policy | None = None) -> ListedPolicy:
        """Give the policy of this name other words; no due time of the past becomes due by it.

        `expected` is the policy as whoever worded the change has seen it.

        Raises:
            PolicyStaleError: it was changed meanwhile; nothing was changed.
            PolicyNotFoundError: there is none.
            PolicyRefusedError, VcenterNotFoundError, PolicyExistsError: as `add`; nothing was changed.
        """
        before = expected or self._policies.find(name)
        return self._put(before, self._worded(new, before.id))

    def enable(self, name: str) -> ListedPolicy:
        """Start runs by it again, from its next due time on.

        Raises:
            PolicyNotFoundError: there is none.
        """
        before = self._policies.find(name)
        return self._put(before, replace(before, enabled=True))

    def disable(self, name: str) -> ListedPolicy:
        """Start nothing by it any more; its retention still counts.

        Raises:
            PolicyNotFoundError: there is none.
        """
        before = self._policies.find(name)
        return self._put(before, replace(before, enabled=False))

    def words_of(self, name: str) -> NewPolicy:
        """What would have to be said to have this very policy; no vCenter is asked.

        Raises:
            PolicyNotFoundError: there is none.
        """
        return words_of(self._policies.find(name))

    def preview(self, vcenter: str, words: SelectionWords) -> SelectionPreview:
        """The machines that a selection means today; nothing is kept.

        Raises:
            PolicyRefusedError: one of its words cannot be meant.
            VcenterNotFoundError: there is no such vCenter.
            VcenterError: the vCenter does not answer, or does not tell its tags.
        """
        self._vcenters.find(vcenter)
        try:
            selection = selection_of(words)
        except ValueError as error:
            raise PolicyRefusedError(str(error)) from error
        inventory = self._inventory.read(vcenter, [selection])
        if selection.tags and inventory.tag_failure is not None:
            raise inventory.tag_failure
        found = self._inventory.selected(selection, inventory.machines)
        warnings = inventory.doubts_about(selection)
        return SelectionPreview(found.selected, found.left_out, (*warnings, *_emptiness_of(found)))

    def list(self) -> list[ListedPolicy]:
        """All of them, by name."""
        idle = self._policies.fired_for_nothing()
        return [
            replace(self._listed(policy), meant_nothing=policy.id in idle) for policy in self._policies.list()
        ]

    def view(self, name: str) -> PolicyView:
        """One policy; a vCenter that does not answer hides its machines, not the policy.

        Raises:
            PolicyNotFoundError: there is none.
        """
        policy = self._policies.find(name)
        inventories = self._inventory.of([policy])
        failure = inventories.failure_of(policy)
        machines = inventories.machines.get(policy.vcenter)
        found = None if machines is None or failure else self._inventory.selected(policy.selection, machines)
        return PolicyView(
            policy,
            next_due_moment([policy], self._clock.now()),
            self._policies.firings(policy.id),
            found,
            failure,
            (*inventories.doubts_about(policy), *_emptiness_of(found)),
        )

    def remove(self, name: str) -> None:
        """Forget a policy; its runs and their points stay, and retention does not count it any more.

        Raises:
            PolicyNotFoundError: there is none.
        """
        self._policies.remove(name)

    def _worded(self, new: NewPolicy, policy_id: PolicyId) -> Policy:
        self._vcenters.find(new.vcenter)
        try:
            return policy_of(new, policy_id, self._clock.now())
        except ValueError as error:
            raise PolicyRefusedError(str(error)) from error

    def _put(self, before: Policy, wanted: Policy) -> ListedPolicy:
        now = self._clock.now()
        after = changed_policy(before, wanted, now)
        self._policies.change(after, now, expected=before)
        return replace(self._listed(after), remarks=what_follows(before, after))

    def _listed(self, policy: Policy) -> ListedPolicy:
        return ListedPolicy(policy, next_due_moment([policy], self._clock.now()))


def _emptiness_of(found: SelectedMachines | None) -> tuple[str, ...]:
    return ("it means no machine today",) if found is not None and not found.selected else ()

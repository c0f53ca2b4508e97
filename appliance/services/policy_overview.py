"""Policies as their pages show them: what each has done last, and which machines it means, page by page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.clock import Clock
from appliance.errors import ApplianceError
from appliance.model.identifiers import RunId
from appliance.model.policies import DueKey, DueTime, Policy, PolicyId
from appliance.model.runs import ACTIVE_STATES, Run, RunState
from appliance.model.virtual_machines import MachineIdentity
from appliance.scheduling import next_due, select_machines
from appliance.services.console_errors import FiringNotFoundError
from appliance.services.policies import ListedPolicy, PolicyService, SelectionPreview
from appliance.services.policy_inventory import PolicyInventory
from appliance.services.policy_words import words_of
from appliance.state import FiringCounts, FiringStore, PolicyNotFoundError, RunStore


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy of the list; `last` is None where it has never fired."""

    listed: ListedPolicy
    last: FiringCounts | None


class OutcomeKind(StrEnum):
    """How a due time went, by the first of these that holds."""

    NOTHING = "nothing"
    """It meant no machine."""
    ACTIVE = "active"
    FAILED = "failed"
    GAPS = "gaps"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True)
class FiringOutcome:
    """How a due time went: so many of all its runs are in that state."""

    kind: OutcomeKind
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class MachinesMeant:
    """What a policy means today; `preview` is None where that cannot be told, and `failure` says why."""

    preview: SelectionPreview | None
    failure: ApplianceError | None = None


@dataclass(frozen=True, slots=True)
class MeantMachine:
    """A machine that a policy's words fit, and why it is in, or left out all the same."""

    identity: MachineIdentity
    name: str
    path: str
    is_in: bool
    reason: str


@dataclass(frozen=True, slots=True)
class MachinesWish:
    """Which of them are asked for: words that must all be in name or path; `page` counts from 1."""

    words: str = ""
    left_out: bool = False
    page: int = 1
    rows: int = 25


@dataclass(frozen=True, slots=True)
class MachinesPage:
    """One page; `first` and `last` count from 1, both 0 where nothing matches."""

    machines: tuple[MeantMachine, ...]
    matching: int
    page: int
    pages: int
    first: int
    last: int


_WORST_FIRST: tuple[tuple[OutcomeKind, frozenset[RunState]], ...] = (
    (OutcomeKind.ACTIVE, ACTIVE_STATES),
    (OutcomeKind.FAILED, frozenset({RunState.FAILED})),
    (OutcomeKind.GAPS, frozenset({RunState.COMPLETED_WITH_GAPS})),
    (OutcomeKind.CANCELLED, frozenset({RunState.CANCELLED})),
)


class PolicyOverview:
    """Looks at policies; `policies` and `inventory` should remember what they read, for pages ask often."""

    def __init__(
        self,
        policies: PolicyService,
        firings: FiringStore,
        inventory: PolicyInventory,
        runs: RunStore,
        clock: Clock,
    ) -> None:
        self._policies = policies
        self._firings = firings
        self._inventory = inventory
        self._runs = runs
        self._clock = clock

    def rows(self) -> list[PolicyRow]:
        """All policies, by name; no vCenter is asked."""
        newest = self._firings.newest_of_each()
        return [PolicyRow(listed, newest.get(listed.policy.id)) for listed in self._policies.list()]

    def find(self, policy_id: PolicyId) -> ListedPolicy:
        """One policy by its id, which stays when its name changes.

        Raises:
            PolicyNotFoundError: there is none.
        """
        for listed in self._policies.list():
            if listed.policy.id == policy_id:
                return listed
        raise PolicyNotFoundError(f"there is no policy {policy_id}")

    def machines(self, policy: Policy) -> MachinesMeant:
        """What the policy means today; a vCenter that does not answer is told, not raised."""
        try:
            return MachinesMeant(self._policies.preview(policy.vcenter, words_of(policy).selection))
        except ApplianceError as error:
            return MachinesMeant(None, error)

    def only_by(self, policy: Policy, meant: SelectionPreview) -> int:
        """How many of these machines no other policy means.

        Raises:
            ApplianceError: what the others mean cannot be told.
        """
        others = [
            listed.policy
            for listed in self._policies.list()
            if listed.policy.vcenter == policy.vcenter and listed.policy.id != policy.id
        ]
        mine = {each.machine.identity.key for each in meant.selected}
        return len(mine - self._meant_by(others)) if others else len(mine)

    def firings(self, policy_id: PolicyId) -> tuple[FiringCounts, ...]:
        """The due times it has settled last, newest first."""
        return self._firings.newest(policy_id)

    def firing(self, policy_id: PolicyId, due_key: DueKey) -> FiringCounts:
        """One of its due times.

        Raises:
            FiringNotFoundError: it has not settled such a one.
        """
        found = self._firings.find(policy_id, due_key)
        if found is None:
            raise FiringNotFoundError(f"the policy has not settled {due_key}")
        return found

    def runs_of(self, firing: FiringCounts, skip: int, limit: int) -> list[Run]:
        """Some of a due time's runs, those that failed first."""
        return [self._runs.find(RunId(run)) for run in self._firings.runs(firing.due_key, skip, limit)]

    def coming(self, policy: Policy, count: int) -> tuple[DueTime, ...]:
        """Its next due times; none while it is disabled."""
        return coming_due_times(policy, self._clock.now(), count) if policy.enabled else ()

    def _meant_by(self, policies: Collection[Policy]) -> set[str]:
        inventories = self._inventory.of(policies)
        found: set[str] = set()
        for policy in policies:
            failure = inventories.failure_of(policy)
            if failure is not None:
                raise failure
            machines = inventories.machines[policy.vcenter]
            selected = select_machines(policy.selection, machines, self._inventory.own_bios_uuid).selected
            found.update(each.machine.identity.key for each in selected)
        return found


def outcome_of(firing: FiringCounts) -> FiringOutcome:
    """How a due time went: what still runs is said first, then the worst of what has ended."""
    total = firing.run_count
    if not total:
        return FiringOutcome(OutcomeKind.NOTHING, 0, 0)
    for kind, states in _WORST_FIRST:
        count = sum(firing.states.get(state, 0) for state in states)
        if count:
            return FiringOutcome(kind, count, total)
    return FiringOutcome(OutcomeKind.SUCCEEDED, total, total)


def coming_due_times(policy: Policy, now: datetime, count: int) -> tuple[DueTime, ...]:
    """The next so many due times of a policy, whether it is enabled or not."""
    found: list[DueTime] = []
    after = now
    for _ in range(count):
        due = next_due(policy, after)
        found.append(due)
        after = due.at
    return tuple(found)


def machines_page(meant: SelectionPreview, wish: MachinesWish) -> MachinesPage:
    """The page that is asked for, or the last one where there are fewer; by inventory path."""
    words = wish.words.casefold().split()
    matching = [each for each in _listed(meant, left_out=wish.left_out) if _matches(each, words)]
    pages = max(1, -(-len(matching) // wish.rows))
    page = min(max(wish.page, 1), pages)
    start = (page - 1) * wish.rows
    shown = tuple(matching[start : start + wish.rows])
    return MachinesPage(shown, len(matching), page, pages, start + 1 if shown else 0, start + len(shown))


def _listed(meant: SelectionPreview, *, left_out: bool) -> list[MeantMachine]:
    if left_out:
        return [
            MeantMachine(each.machine.identity, each.machine.name, each.machine.path, False, each.reason)
            for each in meant.left_out
        ]
    return [
        MeantMachine(each.machine.identity, each.machine.name, each.machine.path, True, each.because)
        for each in meant.selected
    ]


def _matches(machine: MeantMachine, words: Collection[str]) -> bool:
    text = f"{machine.name} {machine.path}".casefold()
    return all(word in text for word in words)

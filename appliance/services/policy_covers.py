"""Which policies mean which machine of the estate: worked out anew only when either has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from appliance.model.policies import Policy, PolicyId
from appliance.scheduling import TaggedMachine, policies_by_machine
from appliance.services.estate import KnownMachine
from appliance.services.policy_inventory import Inventory, PolicyInventory
from appliance.services.protection import Cover, cover_of
from appliance.services.vcenter_gateway import VcenterSession
from appliance.state import PolicyStore

_ALWAYS = datetime.min.replace(tzinfo=UTC)

Inventories = Mapping[str, Sequence[KnownMachine]]


class PolicyCovers:
    """Remembers since when a policy means a machine, as far as this process has seen; one thread at a time.

    What a policy means at the first look at its vCenter, it has always meant: a restart must not hide what
    is late.
    """

    def __init__(self, policies: PolicyStore, inventory: PolicyInventory) -> None:
        self._policies = policies
        self._inventory = inventory
        self._enabled: list[Policy] = []
        self._inventories: Inventories = {}
        self._meant: dict[str, tuple[tuple[Policy, datetime], ...]] = {}

    def enabled(self) -> list[Policy]:
        """The policies that make points, as they are now."""
        return [policy for policy in self._policies.list() if policy.enabled]

    def read_in(self, session: VcenterSession, vcenter: str) -> Inventory:
        """What the vCenter of this session has, with the tags that its policies ask for.

        Raises:
            VcenterError: it does not answer.
        """
        selections = [policy.selection for policy in self.enabled() if policy.vcenter == vcenter]
        return self._inventory.read_in(session, selections)

    def by_machine(self, inventories: Inventories, now: datetime) -> dict[str, tuple[Cover, ...]]:
        """The covers of each machine that has one, by its identity key.

        `inventories` are of the vCenters by name; a value that is given again is taken for the same.
        """
        self._select(inventories, now)
        known: dict[tuple[tuple[PolicyId, datetime], ...], tuple[Cover, ...]] = {}
        found = {}
        for key, meant in self._meant.items():
            name = tuple((policy.id, since) for policy, since in meant)
            if name not in known:  # thousands of machines share a handful of covers
                known[name] = tuple(cover_of(policy, since, now) for policy, since in meant)
            found[key] = known[name]
        return found

    def _select(self, inventories: Inventories, now: datetime) -> None:
        enabled = self.enabled()
        if enabled == self._enabled and inventories is self._inventories:
            return
        selected = policies_by_machine(enabled, _tagged(inventories), self._inventory.own_bios_uuid)
        self._meant = {key: tuple(self._with_since(key, policies, now)) for key, policies in selected.items()}
        self._enabled, self._inventories = enabled, inventories

    def _with_since(
        self, key: str, policies: Sequence[Policy], now: datetime
    ) -> Iterator[tuple[Policy, datetime]]:
        before = {policy.id: since for policy, since in self._meant.get(key, ())}
        for policy in policies:
            first = now if policy.vcenter in self._inventories else _ALWAYS
            yield policy, before.get(policy.id, first)


def _tagged(inventories: Inventories) -> dict[str, list[TaggedMachine]]:
    return {vcenter: [each.tagged for each in known] for vcenter, known in inventories.items()}

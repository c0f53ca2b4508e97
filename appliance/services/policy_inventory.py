"""The inventories that policies select from, as far as vCenters answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from appliance.errors import ApplianceError, VcenterError
from appliance.model.policies import Policy, Selection, Tag
from appliance.model.virtual_machines import VirtualMachine
from appliance.scheduling import SelectedMachines, TaggedMachine, folder_holds, select_machines
from appliance.services.vcenter_gateway import VcenterSession
from appliance.services.vcenters import VcenterService
from appliance.vsphere import AttachedTags


@dataclass(frozen=True, slots=True)
class Inventory:
    """What one vCenter has of what was asked for.

    `tag_failure` is why its tags cannot be told; then no machine has any here, and nothing may be selected
    by them. `unknown_tags` and `unknown_folders` are those asked for that it does not have.
    """

    machines: Sequence[TaggedMachine]
    unknown_tags: frozenset[Tag] = frozenset()
    unknown_folders: frozenset[str] = frozenset()
    tag_failure: ApplianceError | None = None

    def doubts_about(self, selection: Selection) -> tuple[str, ...]:
        """What of a selection means nothing because vCenter does not know it: a mistyped word, perhaps."""
        tags = [
            f"vCenter has no tag {tag} that this account may see"
            for tag in selection.tags
            if tag in self.unknown_tags
        ]
        folders = [
            f"vCenter has no folder {folder}"
            for folder in selection.folders
            if folder in self.unknown_folders
        ]
        return (*tags, *folders)


@dataclass(frozen=True, slots=True)
class Inventories:
    """The inventory of each vCenter that answered, and why the others did not, by name."""

    by_vcenter: Mapping[str, Inventory]
    failures: Mapping[str, ApplianceError]

    @property
    def machines(self) -> Mapping[str, Sequence[TaggedMachine]]:
        """The machines of each vCenter that answered, by its name."""
        return {name: inventory.machines for name, inventory in self.by_vcenter.items()}

    @property
    def every_failure(self) -> Mapping[str, ApplianceError]:
        """Why machines cannot be told, by vCenter: it is away, or does not tell the tags asked for."""
        untagged = {
            name: inventory.tag_failure
            for name, inventory in self.by_vcenter.items()
            if inventory.tag_failure is not None
        }
        return {**self.failures, **untagged}

    def failure_of(self, policy: Policy) -> ApplianceError | None:
        """Why the machines that this policy means cannot be told; None where they can."""
        inventory = self.by_vcenter.get(policy.vcenter)
        if inventory is None:
            return self.failures.get(policy.vcenter)
        return inventory.tag_failure if policy.selection.tags else None

    def doubts_about(self, policy: Policy) -> tuple[str, ...]:
        """See `Inventory`."""
        inventory = self.by_vcenter.get(policy.vcenter)
        return () if inventory is None else inventory.doubts_about(policy.selection)


class PolicyInventory:
    """Reads what policies select from; `own_bios_uuid` is that of the machine Keepline runs on."""

    def __init__(self, vcenters: VcenterService, own_bios_uuid: str) -> None:
        self._vcenters = vcenters
        self.own_bios_uuid = own_bios_uuid

    def of(self, policies: Iterable[Policy]) -> Inventories:
        """The inventories of the vCenters that these policies protect."""
        wanted: dict[str, list[Selection]] = {}
        for policy in policies:
            wanted.setdefault(policy.vcenter, []).append(policy.selection)
        found: dict[str, Inventory] = {}
        failures: dict[str, ApplianceError] = {}
        for name in sorted(wanted):
            try:
                found[name] = self.read(name, wanted[name])
            except ApplianceError as error:  # whatever keeps one vCenter away must not stop the others
                failures[name] = error
        return Inventories(found, failures)

    def read(self, vcenter: str, selections: Sequence[Selection]) -> Inventory:
        """What these selections select from; tags are asked for only where one of them has any.

        Raises:
            ApplianceError: the vCenter does not answer.
        """
        with self._vcenters.session(vcenter) as session:
            return self.read_in(session, selections)

    def read_in(self, session: VcenterSession, selections: Sequence[Selection]) -> Inventory:
        """The same for who is logged in already.

        Raises:
            VcenterError: the vCenter does not answer.
        """
        machines = session.machines()
        folders = session.missing_folders(_empty_folders(selections, machines))
        wanted = frozenset(tag for selection in selections for tag in selection.tags)
        try:
            attached = session.attached_tags(wanted) if wanted else AttachedTags({}, frozenset())
        except VcenterError as error:  # policies without a tag need not wait for those with one
            untagged = [TaggedMachine(machine) for machine in machines]
            return Inventory(untagged, unknown_folders=folders, tag_failure=error)
        return Inventory(_tagged(machines, attached), attached.unknown, folders)

    def selected(self, selection: Selection, machines: Sequence[TaggedMachine]) -> SelectedMachines:
        """What a selection makes of an inventory."""
        return select_machines(selection, machines, self.own_bios_uuid)


def _tagged(machines: Iterable[VirtualMachine], attached: AttachedTags) -> list[TaggedMachine]:
    tags = attached.by_machine
    return [TaggedMachine(machine, tags.get(machine.moref, frozenset())) for machine in machines]


def _empty_folders(selections: Iterable[Selection], machines: Sequence[VirtualMachine]) -> frozenset[str]:
    """The folders asked for below which there is no machine: only these may not exist."""
    folders = frozenset(folder for selection in selections for folder in selection.folders)
    return frozenset(
        folder for folder in folders if not any(folder_holds(folder, machine) for machine in machines)
    )

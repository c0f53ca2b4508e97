"""The inventories that policies select from, as far as vCenters answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from appliance.errors import ApplianceError
from appliance.model.policies import Policy, Selection
from appliance.scheduling import SelectedMachines, TaggedMachine, select_machines
from appliance.services.vcenters import VcenterService


@dataclass(frozen=True, slots=True)
class Inventories:
    """The machines of each vCenter that answered, and why the others did not, by name."""

    machines: Mapping[str, Sequence[TaggedMachine]]
    failures: Mapping[str, ApplianceError]


class PolicyInventory:
    """Reads what policies select from; `own_bios_uuid` is that of the machine Keepline runs on."""

    def __init__(self, vcenters: VcenterService, own_bios_uuid: str) -> None:
        self._vcenters = vcenters
        self.own_bios_uuid = own_bios_uuid

    def of(self, policies: Iterable[Policy]) -> Inventories:
        """The inventories of the vCenters that these policies protect."""
        machines: dict[str, Sequence[TaggedMachine]] = {}
        failures: dict[str, ApplianceError] = {}
        for name in sorted({policy.vcenter for policy in policies}):
            try:
                with self._vcenters.session(name) as session:
                    machines[name] = [TaggedMachine(machine) for machine in session.machines()]
            except ApplianceError as error:  # whatever keeps one vCenter away must not stop the others
                failures[name] = error
        return Inventories(machines, failures)

    def selected(self, selection: Selection, machines: Sequence[TaggedMachine]) -> SelectedMachines:
        """What a selection makes of an inventory."""
        return select_machines(selection, machines, self.own_bios_uuid)

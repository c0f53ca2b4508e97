"""Machines, and how well each is protected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.virtual_machines import VirtualMachine
from appliance.services.points import PointService
from appliance.services.vcenters import VcenterService


@dataclass(frozen=True, slots=True)
class ListedMachine:
    """A machine with its newest recovery point, if it has one."""

    vcenter: str
    machine: VirtualMachine
    newest_point: RecoveryPointId | None
    protected_at: datetime | None


class InventoryService:
    """The machines of the vCenters this appliance knows."""

    def __init__(self, vcenters: VcenterService, points: PointService) -> None:
        self._vcenters = vcenters
        self._points = points

    def machines(self, vcenter: str) -> list[ListedMachine]:
        """The machines of one vCenter, by inventory path.

        Raises:
            VcenterError: it cannot be reached, or refuses the log-in.
            RepositoryError: the repository cannot be read.
        """
        with self._vcenters.session(vcenter) as session:
            machines = session.machines()
        newest = self._points.newest_by_machine()
        return [_listed(vcenter, machine, newest.get(machine.identity.key)) for machine in machines]


def _listed(vcenter: str, machine: VirtualMachine, newest: RecoveryPoint | None) -> ListedMachine:
    if newest is None:
        return ListedMachine(vcenter, machine, None, None)
    return ListedMachine(vcenter, machine, newest.id, newest.created_at)

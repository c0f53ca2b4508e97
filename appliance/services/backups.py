"""Asking for backups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.model.recovery_points import Consistency
from appliance.model.requests import BackupRequest
from appliance.model.runs import RunKind, RunPlace
from appliance.model.virtual_machines import VirtualMachine
from appliance.services.errors import MachineIsTemplateError
from appliance.services.repositories import RepositoryService
from appliance.services.run_queue import RunQueue
from appliance.services.vcenters import VcenterService
from appliance.state import RequestedRun


@dataclass(frozen=True, slots=True)
class BackupOrder:
    """Which machines of one vCenter to back up; `accepted_disks` are labels that may be missing."""

    vcenter: str
    machines: Sequence[str]
    accepted_disks: Sequence[str] = ()
    full: bool = False
    consistency: Consistency = Consistency.CRASH


class BackupService:
    """Queues backups."""

    def __init__(self, vcenters: VcenterService, repositories: RepositoryService, queue: RunQueue) -> None:
        self._vcenters = vcenters
        self._repositories = repositories
        self._queue = queue

    def request(self, order: BackupOrder) -> list[RequestedRun]:
        """One run for each machine, in the order given; all are looked up before the first is queued.

        Raises:
            MachineNotFoundError: vCenter has no such machine; nothing was queued.
            MachineAmbiguousError: several machines have this name; nothing was queued.
            RepositoryError: there is nowhere to put recovery points; nothing was queued.
        """
        self._repositories.open()
        with self._vcenters.session(order.vcenter) as session:
            machines = [session.machine(wanted) for wanted in dict.fromkeys(order.machines)]
        for machine in machines:
            if machine.is_template:
                raise MachineIsTemplateError(f"{machine.path} is a template")
        return [self._queued(order, machine) for machine in machines]

    def request_known(self, order: BackupOrder, machines: Sequence[VirtualMachine]) -> list[RequestedRun]:
        """As `request`, for machines that were just read from this vCenter: none is looked up again.

        Raises:
            RepositoryError: there is nowhere to put recovery points; nothing was queued.
        """
        self._repositories.open()
        return [self._queued(order, machine) for machine in machines]

    def _queued(self, order: BackupOrder, machine: VirtualMachine) -> RequestedRun:
        request = BackupRequest(
            vcenter=order.vcenter,
            machine=machine.moref,
            identity=machine.identity,
            accepted_disks=tuple(order.accepted_disks),
            full=order.full,
            consistency=order.consistency,
        )
        place = RunPlace(order.vcenter, machine.host)
        return self._queue.request(RunKind.BACKUP, machine.identity.key, machine.name, request, place)

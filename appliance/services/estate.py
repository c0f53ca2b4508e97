"""All machines this appliance knows of, and how safe each one is. Values and pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.errors import ApplianceError
from appliance.model.identifiers import ManagedObjectId, RecoveryPointId, RunId
from appliance.model.runs import Run, RunState
from appliance.model.virtual_machines import PowerState, VirtualMachine
from appliance.services.point_directory import NewestPoint

LATE_AFTER = timedelta(hours=26)
"""A nightly backup with two hours of slack; a policy will say it for its own machines."""


class Protection(StrEnum):
    """How safe a machine is, worst last."""

    PROTECTED = "protected"
    GONE = "gone"
    """It has points and is in no vCenter that was read."""
    LATE = "late"
    NEVER = "never"
    """It has no point."""
    FAILED = "failed"
    """Its last backup failed, and there is no newer point."""


@dataclass(frozen=True, slots=True)
class EstateMachine:
    """One machine; `key` is its identity. Where it is in no vCenter, only its points' facts are there."""

    key: str
    name: str
    path: str
    vcenter: str
    moref: ManagedObjectId
    host: str
    power_state: PowerState | None
    disk_count: int
    capacity: int
    protection: Protection
    newest_point: RecoveryPointId | None = None
    protected_at: datetime | None = None
    point_count: int = 0
    failed_run: RunId | None = None
    has_gaps: bool = False

    @property
    def is_in_vcenter(self) -> bool:
        """Whether it can be backed up."""
        return bool(self.moref)

    @property
    def place(self) -> str:
        """The inventory folder it is in, as `/Paris/vm/Web`."""
        return self.path.rpartition("/")[0] or "/"


@dataclass(frozen=True, slots=True)
class SourceFailure:
    """Why something could not be read, and since when."""

    code: str
    message: str
    remedy: str
    since: datetime

    @classmethod
    def of(cls, error: ApplianceError, since: datetime) -> SourceFailure:
        """The failure that `error` tells of."""
        return cls(error.code, str(error), error.remedy, since)


@dataclass(frozen=True, slots=True)
class VcenterReading:
    """How reading one vCenter went; machines of an earlier reading stay while it fails."""

    name: str
    tried_at: datetime
    read_at: datetime | None
    machine_count: int = 0
    failure: SourceFailure | None = None


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything known at one moment; machines by name. Templates are left out: they cannot be backed up."""

    machines: tuple[EstateMachine, ...] = ()
    vcenters: tuple[VcenterReading, ...] = ()
    points_failure: SourceFailure | None = None
    points_read_at: datetime | None = None

    def count_of(self, protection: Protection) -> int:
        """How many machines are this safe."""
        return sum(machine.protection is protection for machine in self.machines)

    def find(self, key: str) -> EstateMachine | None:
        """The machine with this identity key."""
        return next((machine for machine in self.machines if machine.key == key), None)


def estate_machines(
    inventories: Mapping[str, Iterable[VirtualMachine]],
    newest: Mapping[str, NewestPoint],
    last_backups: Mapping[str, Run],
    now: datetime,
) -> tuple[EstateMachine, ...]:
    """The machines of all vCenters (by the vCenter's name), and those that only points tell of."""
    found: dict[str, EstateMachine] = {}
    for vcenter, machines in inventories.items():
        for machine in machines:
            if not machine.is_template:
                key = machine.identity.key
                found[key] = _present(vcenter, machine, newest.get(key), last_backups.get(key), now)
    for key in newest.keys() - found.keys():
        found[key] = _gone(key, newest[key])
    return tuple(sorted(found.values(), key=lambda machine: (machine.name.casefold(), machine.key)))


def protection_of(newest: datetime | None, last_backup: Run | None, now: datetime) -> Protection:
    """How safe a machine of a vCenter is; `newest` is when its newest point was made."""
    if last_backup is not None and last_backup.state is RunState.FAILED and _is_newer(last_backup, newest):
        return Protection.FAILED
    if newest is None:
        return Protection.NEVER
    return Protection.LATE if now - newest > LATE_AFTER else Protection.PROTECTED


def _is_newer(backup: Run, newest: datetime | None) -> bool:
    return newest is None or backup.requested_at > newest


def _present(
    vcenter: str, machine: VirtualMachine, newest: NewestPoint | None, last_backup: Run | None, now: datetime
) -> EstateMachine:
    protected_at = newest.created_at if newest else None
    protection = protection_of(protected_at, last_backup, now)
    failed = last_backup.id if last_backup and protection is Protection.FAILED else None
    return EstateMachine(
        key=machine.identity.key,
        name=machine.name,
        path=machine.path,
        vcenter=vcenter,
        moref=machine.moref,
        host=machine.host,
        power_state=machine.power_state,
        disk_count=len(machine.disks),
        capacity=sum(disk.capacity for disk in machine.disks),
        protection=protection,
        newest_point=newest.point if newest else None,
        protected_at=protected_at,
        point_count=newest.count if newest else 0,
        failed_run=failed,
        has_gaps=bool(newest and newest.has_gaps),
    )


def _gone(key: str, newest: NewestPoint) -> EstateMachine:
    return EstateMachine(
        key=key,
        name=newest.machine_name,
        path=newest.machine_path,
        vcenter="",
        moref=ManagedObjectId(""),
        host="",
        power_state=None,
        disk_count=0,
        capacity=newest.capacity,
        protection=Protection.GONE,
        newest_point=newest.point,
        protected_at=newest.created_at,
        point_count=newest.count,
        has_gaps=newest.has_gaps,
    )

"""All machines this appliance knows of, and how safe each one is. Values and pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from appliance.errors import ApplianceError
from appliance.model.identifiers import ManagedObjectId, RecoveryPointId, RunId
from appliance.model.runs import Run
from appliance.model.target_places import TargetPlaces
from appliance.model.virtual_machines import PowerState
from appliance.scheduling import TaggedMachine
from appliance.services.point_directory import NewestPoint
from appliance.services.protection import Cover, Protection, overdue_since, protection_of


@dataclass(frozen=True, slots=True)
class EstateMachine:
    """One machine; `key` is its identity. Where it is in no vCenter, only its points' facts are there.

    `cluster` is an inventory path, empty where its host is in none. `policies` are the names of the enabled
    ones that mean it; `overdue_since` is the due time that has brought no point.
    """

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
    cluster: str = ""
    policies: tuple[str, ...] = ()
    overdue_since: datetime | None = None

    @property
    def is_in_vcenter(self) -> bool:
        """Whether it can be backed up."""
        return bool(self.moref)

    @property
    def site(self) -> str:
        """Where it runs: its cluster's inventory path, or the name of its host; empty where it is gone."""
        return self.cluster or self.host

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
    """Everything known at one moment; machines by name, without templates: they cannot be backed up.

    `places` are where each vCenter, by its name, can put a restored machine.
    """

    machines: tuple[EstateMachine, ...] = ()
    vcenters: tuple[VcenterReading, ...] = ()
    places: Mapping[str, TargetPlaces] = field(default_factory=dict)
    points_failure: SourceFailure | None = None
    points_read_at: datetime | None = None

    def count_of(self, protection: Protection) -> int:
        """How many machines are this safe."""
        return sum(machine.protection is protection for machine in self.machines)

    @property
    def stale_vcenters(self) -> frozenset[str]:
        """Those whose machines are shown as they were before they could not be read any more."""
        return frozenset(reading.name for reading in self.vcenters if reading.failure is not None)

    def find(self, key: str) -> EstateMachine | None:
        """The machine with this identity key."""
        return next((machine for machine in self.machines if machine.key == key), None)


@dataclass(frozen=True, slots=True)
class KnownMachine:
    """A machine as the console keeps it between two readings: without its disks, which are half of it."""

    tagged: TaggedMachine
    disk_count: int
    capacity: int

    @classmethod
    def of(cls, tagged: TaggedMachine) -> KnownMachine:
        """What is kept of a machine of the inventory."""
        machine = tagged.machine
        capacity = sum(disk.capacity for disk in machine.disks)
        return cls(replace(tagged, machine=replace(machine, disks=())), len(machine.disks), capacity)


@dataclass(frozen=True, slots=True)
class Sources:
    """What an estate is told from: inventories by vCenter, all else by the machines' identity keys."""

    inventories: Mapping[str, Iterable[KnownMachine]]
    newest: Mapping[str, NewestPoint]
    last_backups: Mapping[str, Run]
    covers: Mapping[str, tuple[Cover, ...]]


def estate_machines(sources: Sources) -> tuple[EstateMachine, ...]:
    """The machines of all vCenters, and those that only points tell of; by name."""
    found: dict[str, EstateMachine] = {}
    for vcenter, machines in sources.inventories.items():
        for each in machines:
            if not each.tagged.machine.is_template:
                machine = _present(vcenter, each, sources)
                found[machine.key] = machine
    for key in sources.newest.keys() - found.keys():
        found[key] = _gone(key, sources.newest[key])
    return tuple(sorted(found.values(), key=lambda machine: (machine.name.casefold(), machine.key)))


def _present(vcenter: str, known: KnownMachine, sources: Sources) -> EstateMachine:
    machine = known.tagged.machine
    key = machine.identity.key
    newest, last_backup = sources.newest.get(key), sources.last_backups.get(key)
    covers = sources.covers.get(key, ())
    protected_at = newest.created_at if newest else None
    protection = protection_of(protected_at, last_backup, covers)
    return EstateMachine(
        key=key,
        name=machine.name,
        path=machine.path,
        vcenter=vcenter,
        moref=machine.moref,
        host=machine.host,
        power_state=machine.power_state,
        disk_count=known.disk_count,
        capacity=known.capacity,
        protection=protection,
        newest_point=newest.point if newest else None,
        protected_at=protected_at,
        point_count=newest.count if newest else 0,
        failed_run=last_backup.id if last_backup and protection is Protection.FAILED else None,
        has_gaps=bool(newest and newest.has_gaps),
        cluster=machine.cluster,
        policies=tuple(cover.policy for cover in covers),
        overdue_since=overdue_since(protected_at, last_backup, covers),
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

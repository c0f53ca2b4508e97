"""The services over a real state database, a vCenter in memory and points in memory."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from appliance.clock import ManualClock
from appliance.engine import EngineLock
from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.virtual_machines import MachineIdentity
from appliance.notifications import Origin
from appliance.repository.engine_starts import HostFacts
from appliance.repository.errors import PointNotFoundError
from appliance.repository.points import ListedPoint, PointListing
from appliance.scheduling import RetryRule
from appliance.security import SecretSealer
from appliance.services import (
    BackupService,
    DuePolicies,
    EndedRunKeeper,
    InstallationService,
    InventoryService,
    NewVcenter,
    NotifierCourier,
    NotifierKeeper,
    NotifierService,
    PointService,
    PolicyBackups,
    PolicyCovers,
    PolicyEditor,
    PolicyInventory,
    PolicyKeeper,
    PolicyOverview,
    PolicyPages,
    PolicyService,
    RememberedInventory,
    RepositoryService,
    RestoreService,
    RetentionService,
    RetryService,
    RunQueue,
    RunService,
    SilenceReasons,
    VcenterService,
)
from appliance.state import (
    Database,
    FiringStore,
    HistoryStore,
    InstallationStore,
    JournalStore,
    NotifierStore,
    PolicyStore,
    RepositoryStore,
    RetryStore,
    RunLogStore,
    RunStore,
    VcenterStore,
)
from tests.fakes.channels import FakeChannels
from tests.fakes.configurations import configuration_document
from tests.fakes.vcenters import SHA256, FakeVcenters

KEY = bytes(range(32))


@dataclass(slots=True)
class FakePoints:
    """Implements `PointCatalog`."""

    points: list[RecoveryPoint] = field(default_factory=list)
    networks: tuple[str, ...] = ("VM Network",)

    def listing(self) -> PointListing:
        return PointListing(tuple(ListedPoint(point) for point in self.points), ())

    def point(self, point_id: RecoveryPointId) -> ListedPoint:
        for point in self.points:
            if point.id == point_id:
                return ListedPoint(point)
        raise PointNotFoundError(f"there is no recovery point {point_id}")

    def configuration(self, point: RecoveryPoint) -> str:
        return configuration_document(point, self.networks)


@dataclass(slots=True)
class FakeShelf:
    """Implements `PointShelf` over a `FakePoints`; `retired` tells why each point went."""

    catalog: FakePoints
    clock: ManualClock
    retired: dict[RecoveryPointId, str] = field(default_factory=dict)

    def listing(self, machine: MachineIdentity | None) -> PointListing:
        points = [
            listed
            for listed in self.catalog.listing().points
            if machine in (None, listed.point.machine) and listed.point.id not in self.retired
        ]
        return PointListing(tuple(points), ())

    def retire(self, point: RecoveryPoint, explanation: str) -> None:
        self.retired[point.id] = explanation


class Desk:
    """Every service an entry point could use."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.folder = folder
        self.database = database
        self.clock = ManualClock()
        self.gateway = FakeVcenters()
        self.catalog = FakePoints()
        self.run_store = RunStore(database)
        self.log = RunLogStore(database)
        self.journal = JournalStore(database)
        self.vcenter_store = VcenterStore(database)
        self.repository_store = RepositoryStore(database)
        numbers = itertools.count()
        self.random_hex = lambda size: f"{next(numbers):0{2 * size}x}"
        queue = RunQueue(self.run_store, self.clock, self.random_hex)
        self.vcenters = VcenterService(self.vcenter_store, self.journal, SecretSealer(KEY), self.gateway)
        self.installation_store = InstallationStore(database)
        self.host = HostFacts("appliance-1", "", "machine-1")
        self.repositories = RepositoryService(
            self.repository_store, self.installation_store, queue, self.clock, self.random_hex, self.host
        )
        self.installation = InstallationService(
            self.repositories,
            self.installation_store,
            self.run_store,
            self.journal,
            EngineLock(folder).held,
            self.clock,
        )
        self.points = PointService(self.catalog, queue)
        self.inventory = InventoryService(self.vcenters, self.points)
        self.backups = BackupService(self.vcenters, self.repositories, queue)
        self.restores = RestoreService(self.catalog, self.vcenter_store, queue)
        self.runs = RunService(self.run_store, self.log, self.clock)
        self.policy_store = PolicyStore(database)
        self.shelf = FakeShelf(self.catalog, self.clock)
        inventory = PolicyInventory(self.vcenters, own_bios_uuid="")
        self.policies = PolicyService(
            self.policy_store, self.vcenter_store, inventory, self.clock, self.random_hex
        )
        self.due_policies = DuePolicies(self.policy_store, inventory, queue, self.log, self.clock)
        self.retention = RetentionService(self.policy_store, inventory, self.shelf, self.clock)
        remembered = RememberedInventory(self.vcenters, "", self.clock)
        looking = PolicyService(
            self.policy_store, self.vcenter_store, remembered, self.clock, self.random_hex
        )
        self.firing_store = FiringStore(database)
        overview = PolicyOverview(looking, self.firing_store, remembered, self.run_store, self.clock)
        self.policy_pages = PolicyPages(
            policies=self.policies,
            overview=overview,
            editor=PolicyEditor(self.policies, looking, overview, self.clock),
            backups=PolicyBackups(self.policies, self.backups, self.log, self.clock),
            retention=RetentionService(self.policy_store, remembered, self.shelf, self.clock),
        )
        self.policy_covers = PolicyCovers(self.policy_store, inventory)
        self.retries = RetryService(
            self.run_store, RetryStore(database), self.log, queue, self.clock, RetryRule()
        )
        self.channels = FakeChannels()
        self.is_engine_running = True
        self.notifier_store = NotifierStore(database)
        courier = NotifierCourier(SecretSealer(KEY), self.channels.open, lambda: Origin("box", "abc"))
        reasons = SilenceReasons(inventory, lambda: self.is_engine_running)
        self.notifier = NotifierService(self.notifier_store, courier, self.clock)
        self.notifier_keeper = NotifierKeeper(self.notifier_store, courier, reasons, self.clock)
        self.policy_keeper = PolicyKeeper(
            self.due_policies,
            EndedRunKeeper(self.retries, HistoryStore(database), self.clock),
            self.retention,
            self.notifier_keeper,
            self.run_store,
            self.clock,
        )

    def new_vcenter(
        self,
        name: str = "main",
        host: str | None = None,
        password: str | None = None,
        thumbprint: str = SHA256,
    ) -> NewVcenter:
        """What an admin says of the vCenter in memory, unless told otherwise."""
        return NewVcenter(
            name=name,
            host=host or self.gateway.host,
            port=443,
            user=self.gateway.user,
            password=password or self.gateway.password,
            thumbprint=thumbprint,
        )

    def equipped(self) -> Desk:
        """This desk, with the vCenter added and a repository known."""
        self.vcenters.add(self.new_vcenter())
        folder = self.folder / "backup"
        folder.mkdir()
        self.repositories.initialise(folder, self.folder)
        return self

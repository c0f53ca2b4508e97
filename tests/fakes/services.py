"""The services over a real state database, a vCenter in memory and points in memory."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from appliance.clock import ManualClock
from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import RecoveryPoint
from appliance.repository.errors import PointNotFoundError
from appliance.repository.points import ListedPoint, PointListing
from appliance.security import SecretSealer
from appliance.services import (
    BackupService,
    InventoryService,
    NewVcenter,
    PointService,
    RepositoryService,
    RestoreService,
    RunQueue,
    RunService,
    VcenterService,
)
from appliance.state import (
    Database,
    InstallationStore,
    JournalStore,
    RepositoryStore,
    RunLogStore,
    RunStore,
    VcenterStore,
)
from tests.fakes.vcenters import SHA256, FakeVcenters

KEY = bytes(range(32))


@dataclass(slots=True)
class FakePoints:
    """Implements `PointCatalog`."""

    points: list[RecoveryPoint] = field(default_factory=list)

    def listing(self) -> PointListing:
        return PointListing(tuple(ListedPoint(point) for point in self.points), ())

    def point(self, point_id: RecoveryPointId) -> ListedPoint:
        for point in self.points:
            if point.id == point_id:
                return ListedPoint(point)
        raise PointNotFoundError(f"there is no recovery point {point_id}")


class Desk:
    """Every service an entry point could use."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.folder = folder
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
        self.repositories = RepositoryService(
            self.repository_store, self.installation_store, queue, self.clock, self.random_hex
        )
        self.points = PointService(self.catalog, queue)
        self.inventory = InventoryService(self.vcenters, self.points)
        self.backups = BackupService(self.vcenters, self.repositories, queue)
        self.restores = RestoreService(self.catalog, self.vcenter_store, queue)
        self.runs = RunService(self.run_store, self.log, self.clock)

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

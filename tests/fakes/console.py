"""The console's services over a desk: everything real but vCenter, the points and the password's digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.virtual_machines import MachineIdentity
from appliance.repository.point_keys import PointIds
from appliance.repository.points import ListedPoint, PointListing
from appliance.services import (
    ConsoleAccessService,
    ConsoleServices,
    EnginePresence,
    EstateReader,
    PointDirectory,
    RestorePlanService,
)
from appliance.storage import ObjectMissingError, RepositoryMissingError
from tests.fakes.services import Desk, FakePoints

PASSWORD = "four words make one"


@dataclass(slots=True)
class FakePointIndex:
    """Implements `PointIndex` over the points of a `FakePoints`; counts how often a point was read."""

    catalog: FakePoints
    damaged: set[RecoveryPointId] = field(default_factory=set)
    reads: list[RecoveryPointId] = field(default_factory=list)
    fails: bool = False

    def ids_by_machine(self) -> dict[str, PointIds]:
        if self.fails:
            raise RepositoryMissingError("the folder is not there")
        found: dict[str, list[RecoveryPointId]] = {}
        for point in self.catalog.points:
            found.setdefault(point.machine.key, []).append(point.id)
        return {machine: PointIds.of(ids) for machine, ids in found.items()}

    def point(self, machine: str, point: RecoveryPointId) -> RecoveryPoint:
        self.reads.append(point)
        for each in self.catalog.points:
            if (each.machine.key, each.id) == (machine, point) and point not in self.damaged:
                return each
        raise ObjectMissingError(point)

    def of_machine(self, identity: MachineIdentity) -> PointListing:
        if self.fails:
            raise RepositoryMissingError("the folder is not there")
        found = [each for each in self.catalog.points if each.machine == identity]
        found.sort(key=lambda each: (each.created_at, each.id))
        return PointListing(tuple(ListedPoint(each) for each in found), ())


@dataclass(slots=True)
class PlainPassword:
    """Implements `ConsolePasswords` without a digest: those take long on purpose."""

    password: str = PASSWORD
    changes: int = 1

    def stamp(self) -> str:
        return str(self.changes) if self.password else ""

    def put(self, password: str) -> None:
        self.password = password
        self.changes += 1

    def matches(self, password: str) -> bool:
        return password == self.password


@dataclass(slots=True)
class AuditList:
    """Implements `AuditTrail`."""

    lines: list[str] = field(default_factory=list)

    def record(self, at: datetime, actor: str, source: str, action: str, subject: str) -> None:
        del at
        self.lines.append(f"{actor} from {source}: {action} {subject}".rstrip())


class ConsoleDesk:
    """A desk and the console's services over it; `engine` says whose process id the engine left."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.passwords = PlainPassword()
        self.audit = AuditList()
        self.index = FakePointIndex(desk.catalog)
        self.engine: int | None = None
        directory = PointDirectory(self.index)
        self.services = ConsoleServices(
            clock=desk.clock,
            access=ConsoleAccessService(self.passwords, self.audit, desk.clock),
            estate=EstateReader(desk.vcenters, desk.policy_covers, directory, desk.runs, desk.clock),
            engine=EnginePresence(lambda: self.engine),
            vcenters=desk.vcenters,
            backups=desk.backups,
            restore_plans=RestorePlanService(desk.points, desk.restores, desk.vcenters, desk.runs),
            points=desk.points,
            directory=directory,
            repositories=desk.repositories,
            runs=desk.runs,
            retries=desk.retries,
            policies=desk.policies,
            notifier=desk.notifier,
            policy_pages=desk.policy_pages,
            state_folder=desk.folder,
        )

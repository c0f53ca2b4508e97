"""Recovery points: list, show, verify."""

from __future__ import annotations

from typing import Protocol

from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import DiskImage, RecoveryPoint
from appliance.model.requests import VerifyRequest
from appliance.model.runs import RunKind
from appliance.repository.points import ListedPoint, PointListing, find_point, list_points
from appliance.repository.verification import read_referenced
from appliance.services.errors import DiskNotFoundError
from appliance.services.repositories import RepositoryService
from appliance.services.run_queue import RunQueue
from appliance.state import RequestedRun


class PointCatalog(Protocol):
    """Where recovery points are read: the repository itself, never the database."""

    def listing(self) -> PointListing:
        """All committed points, and manifests that cannot be believed.

        Raises:
            RepositoryError: the repository is away, not ours, or newer.
        """
        ...

    def point(self, point_id: RecoveryPointId) -> ListedPoint:
        """One point.

        Raises:
            PointNotFoundError: there is none.
            RepositoryError: the repository is away, not ours, or the point's manifest is damaged.
        """
        ...

    def configuration(self, point: RecoveryPoint) -> str:
        """The document of the machine's configuration that is kept with a point.

        Raises:
            RepositoryError: the repository is away, or the document is missing or damaged.
        """
        ...


class RepositoryPoints:
    """Implements `PointCatalog` by `appliance.repository`."""

    def __init__(self, repositories: RepositoryService) -> None:
        self._repositories = repositories

    def listing(self) -> PointListing:
        """See `PointCatalog`."""
        return list_points(self._repositories.open())

    def point(self, point_id: RecoveryPointId) -> ListedPoint:
        """See `PointCatalog`."""
        return find_point(self._repositories.open(), point_id)

    def configuration(self, point: RecoveryPoint) -> str:
        """See `PointCatalog`."""
        return read_referenced(self._repositories.open().store, point.configuration).decode()


class PointService:
    """The recovery points of this appliance's repository."""

    def __init__(self, catalog: PointCatalog, queue: RunQueue) -> None:
        self._catalog = catalog
        self._queue = queue

    def listing(self, machine: str | None = None) -> PointListing:
        """All points by time, or those of the machines with this name, path or instance UUID.

        Damaged manifests are always all there: whose they are is what cannot be told for sure.
        """
        listing = self._catalog.listing()
        wanted = [each for each in listing.points if machine is None or _is_of(each.point, machine)]
        return PointListing(tuple(sorted(wanted, key=_moment)), listing.damaged)

    def find(self, point_id: RecoveryPointId) -> ListedPoint:
        """One point, with everything its manifest says.

        Raises:
            PointNotFoundError: there is none.
        """
        return self._catalog.point(point_id)

    def configuration_of(self, point: RecoveryPoint) -> str:
        """The document of the machine's configuration that is kept with a point.

        Raises:
            RepositoryError: the repository is away, or the document is missing or damaged.
        """
        return self._catalog.configuration(point)

    def newest_by_machine(self) -> dict[str, RecoveryPoint]:
        """The newest point of each machine, by the machine's identity key."""
        return {listed.point.machine.key: listed.point for listed in self.listing().points}

    def request_verification(self, point_id: RecoveryPointId) -> RequestedRun:
        """Queue a run that reads every block of a point.

        Raises:
            PointNotFoundError: there is none.
        """
        point = self._catalog.point(point_id).point
        return self._queue.request(RunKind.VERIFY, point.id, point.machine_name, VerifyRequest(point.id))


def image_of(point: RecoveryPoint, wanted: str) -> DiskImage:
    """The image of the disk with this label, device key, or number from 0, in this order.

    Raises:
        DiskNotFoundError: there is none, or several have this label.
    """
    by_label = [image for image in point.images if image.disk.label.casefold() == wanted.casefold()]
    by_key = [image for image in point.images if str(image.disk.device_key) == wanted]
    by_number = [image for number, image in enumerate(point.images) if str(number) == wanted]
    found = by_label or by_key or by_number
    if len(found) != 1:
        known = ", ".join(f"{image.disk.label} ({image.disk.device_key})" for image in point.images)
        raise DiskNotFoundError(f"point {point.id} has no single disk {wanted!r}; it has: {known}")
    return found[0]


def _is_of(point: RecoveryPoint, machine: str) -> bool:
    return machine in (point.machine_name, point.machine_path, point.machine.instance_uuid, point.machine.key)


def _moment(listed: ListedPoint) -> tuple[object, str]:
    return (listed.point.created_at, listed.point.id)

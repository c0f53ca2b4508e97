"""Recovery points: list, show, verify."""

from __future__ import annotations

from typing import Protocol

from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import DiskImage, RecoveryPoint
from appliance.model.requests import VerifyRequest
from appliance.model.runs import RunKind
from appliance.services.errors import DiskNotFoundError
from appliance.services.run_queue import RunQueue
from appliance.state import RequestedRun


class PointCatalog(Protocol):
    """Where recovery points are read: the repository itself, never the database."""

    def points(self) -> list[RecoveryPoint]:
        """All committed points, oldest first.

        Raises:
            RepositoryError: the repository is away, not ours, or damaged.
        """
        ...

    def point(self, point_id: RecoveryPointId) -> RecoveryPoint:
        """One point.

        Raises:
            PointNotFoundError: there is none.
            RepositoryError: the repository is away, not ours, or damaged.
        """
        ...


class PointService:
    """The recovery points of this appliance's repository."""

    def __init__(self, catalog: PointCatalog, queue: RunQueue) -> None:
        self._catalog = catalog
        self._queue = queue

    def of_machine(self, machine: str | None = None) -> list[RecoveryPoint]:
        """All points, oldest first, or those of the machines with this name, path or instance UUID."""
        points = self._catalog.points()
        return points if machine is None else [point for point in points if _is_of(point, machine)]

    def find(self, point_id: RecoveryPointId) -> RecoveryPoint:
        """One point, with everything its manifest says.

        Raises:
            PointNotFoundError: there is none.
        """
        return self._catalog.point(point_id)

    def newest_by_machine(self) -> dict[str, RecoveryPoint]:
        """The newest point of each machine, by the machine's identity key."""
        return {point.machine.key: point for point in self._catalog.points()}

    def request_verification(self, point_id: RecoveryPointId) -> RequestedRun:
        """Queue a run that reads every block of a point.

        Raises:
            PointNotFoundError: there is none.
        """
        point = self._catalog.point(point_id)
        return self._queue.request(RunKind.VERIFY, point.id, point.machine_name, VerifyRequest(point.id))


def image_of(point: RecoveryPoint, wanted: str) -> DiskImage:
    """The image of the disk with this label, device key, or number from 0.

    Raises:
        DiskNotFoundError: there is none, or several have this label.
    """
    labels = [image for image in point.images if image.disk.label.casefold() == wanted.casefold()]
    if len(labels) == 1:
        return labels[0]
    if wanted.isdecimal() and not labels:
        number = int(wanted)
        by_key = [image for image in point.images if image.disk.device_key == number]
        if by_key or number < len(point.images):
            return (by_key or [point.images[number]])[0]
    known = ", ".join(f"{image.disk.label} ({image.disk.device_key})" for image in point.images)
    raise DiskNotFoundError(f"point {point.id} has no single disk {wanted!r}; it has: {known}")


def _is_of(point: RecoveryPoint, machine: str) -> bool:
    return machine in (point.machine_name, point.machine_path, point.machine.instance_uuid, point.machine.key)

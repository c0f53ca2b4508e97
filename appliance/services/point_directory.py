"""Points as lists need them: which there are, and a few facts of the newest of each machine."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from appliance.errors import RepositoryError
from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.virtual_machines import MachineIdentity
from appliance.repository.point_keys import PointIds, list_point_keys, read_point
from appliance.repository.points import PointListing, list_points
from appliance.services.repositories import RepositoryService


class PointIndex(Protocol):
    """Where points are looked up by machine."""

    def ids_by_machine(self) -> dict[str, PointIds]:
        """The ids of all points offered, by machine (its identity key).

        Raises:
            RepositoryError: the repository is away, not ours, or newer.
        """
        ...

    def point(self, machine: str, point: RecoveryPointId) -> RecoveryPoint:
        """One point of the machine with this identity key.

        Raises:
            RepositoryError: it is not there any more, or its manifest is damaged.
        """
        ...

    def of_machine(self, identity: MachineIdentity) -> PointListing:
        """The points of one machine, oldest first.

        Raises:
            RepositoryError: the repository is away, not ours, or newer.
        """
        ...


class RepositoryPointIndex:
    """Implements `PointIndex` by `appliance.repository`."""

    def __init__(self, repositories: RepositoryService) -> None:
        self._repositories = repositories

    def ids_by_machine(self) -> dict[str, PointIds]:
        """See `PointIndex`."""
        return list_point_keys(self._repositories.open()).by_machine

    def point(self, machine: str, point: RecoveryPointId) -> RecoveryPoint:
        """See `PointIndex`."""
        return read_point(self._repositories.open(), machine, point)

    def of_machine(self, identity: MachineIdentity) -> PointListing:
        """See `PointIndex`."""
        return list_points(self._repositories.open(), identity)


@dataclass(frozen=True, slots=True)
class NewestPoint:
    """The newest point of one machine that can be read; `count` is of all its points."""

    point: RecoveryPointId
    machine_name: str
    machine_path: str
    created_at: datetime
    capacity: int
    has_gaps: bool
    count: int


class PointDirectory:
    """The newest point of every machine; a manifest never changes, so each is read once.

    May be used from any thread.
    """

    def __init__(self, index: PointIndex) -> None:
        self._index = index
        self._known: dict[str, NewestPoint] = {}
        self._lock = threading.Lock()

    def newest(self) -> dict[str, NewestPoint]:
        """By the machine's identity key.

        Raises:
            RepositoryError: the repository is away, not ours, or newer.
        """
        ids = self._index.ids_by_machine()
        with self._lock:
            found = {machine: self._newest_of(machine, points) for machine, points in ids.items()}
            self._known = {machine: newest for machine, newest in found.items() if newest is not None}
            return dict(self._known)

    def of_machine(self, identity: MachineIdentity) -> PointListing:
        """The points of one machine, oldest first.

        Raises:
            RepositoryError: the repository is away, not ours, or newer.
        """
        return self._index.of_machine(identity)

    def _newest_of(self, machine: str, points: PointIds) -> NewestPoint | None:
        """The newest one whose manifest can be believed; the machine's page names the others."""
        known = self._known.get(machine)
        for point in points.newest_first():
            if known is not None and known.point == point:
                return known if known.count == len(points) else replace(known, count=len(points))
            read = self._read(machine, point, len(points))
            if read is not None:
                return read
        return None

    def _read(self, machine: str, point_id: RecoveryPointId, count: int) -> NewestPoint | None:
        try:
            point = self._index.point(machine, point_id)
        except RepositoryError:
            return None
        return NewestPoint(
            point=point.id,
            machine_name=point.machine_name,
            machine_path=point.machine_path,
            created_at=point.created_at,
            capacity=sum(image.disk.capacity for image in point.images),
            has_gaps=point.has_gaps,
            count=count,
        )

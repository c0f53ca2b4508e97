"""Asking for restores."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.model.disk_tasks import TargetFormat
from appliance.model.identifiers import RecoveryPointId
from appliance.model.requests import RestoreDiskRequest, RestoreMachineRequest
from appliance.model.runs import RunKind, RunPlace
from appliance.services.errors import TargetExistsError, TargetFolderError
from appliance.services.points import PointCatalog, image_of
from appliance.services.run_queue import RunQueue
from appliance.state import RequestedRun, VcenterStore


class RestoreService:
    """Queues restores."""

    def __init__(self, catalog: PointCatalog, vcenters: VcenterStore, queue: RunQueue) -> None:
        self._catalog = catalog
        self._vcenters = vcenters
        self._queue = queue

    def request_disk(
        self, point_id: RecoveryPointId, disk: str, target: Path, target_format: TargetFormat
    ) -> RequestedRun:
        """Queue the restore of one disk to a new file.

        Raises:
            PointNotFoundError: there is no such point.
            DiskNotFoundError: the point has no such disk.
            TargetExistsError: the file exists.
            TargetFolderError: its folder is missing or cannot be written.
        """
        point = self._catalog.point(point_id).point
        image = image_of(point, disk)
        absolute = new_file(target)
        request = RestoreDiskRequest(point.id, image.disk.device_key, str(absolute), target_format)
        return self._queue.request(RunKind.RESTORE_DISK, point.id, point.machine_name, request)

    def request_machine(self, request: RestoreMachineRequest) -> RequestedRun:
        """Queue the restore of a whole machine to a new one.

        Raises:
            PointNotFoundError: there is no such point.
            VcenterNotFoundError: no vCenter was added under this name.
        """
        point = self._catalog.point(request.point).point
        self._vcenters.find(request.vcenter)
        place = RunPlace(request.vcenter, request.host or "")
        return self._queue.request(RunKind.RESTORE_MACHINE, point.id, request.name, request, place)


def new_file(target: Path) -> Path:
    """The absolute path of a file that can be made.

    Raises:
        TargetExistsError: the file exists.
        TargetFolderError: its folder is missing or cannot be written.
    """
    absolute = target.expanduser().absolute()
    if absolute.exists() or absolute.is_symlink():
        raise TargetExistsError(f"{absolute} exists already")
    if not absolute.parent.is_dir():
        raise TargetFolderError(f"there is no folder {absolute.parent}")
    if not os.access(absolute.parent, os.W_OK | os.X_OK):
        raise TargetFolderError(f"this user may not write to {absolute.parent}")
    return absolute

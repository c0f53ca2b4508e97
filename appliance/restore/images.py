"""From a point's id to what a mover needs to read one of its disks."""

from __future__ import annotations

from pathlib import Path

from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import DiskImage, RecoveryPoint
from appliance.model.virtual_machines import MachineConfiguration
from appliance.repository.errors import DiskNotInPointError
from appliance.repository.image_reader import open_image
from appliance.repository.points import find_point
from appliance.repository.verification import read_referenced
from appliance.run_context import RunSession


def open_point(session: RunSession, point: RecoveryPointId) -> RecoveryPoint:
    """The point as its manifest says.

    Raises:
        PointNotFoundError: there is none of this id.
        DamageError: its manifest cannot be read.
    """
    return find_point(session.tools.repository, point).point


def image_of(point: RecoveryPoint, device_key: int) -> DiskImage:
    """The image of one disk.

    Raises:
        DiskNotInPointError: the point has no such disk.
    """
    for image in point.images:
        if image.disk.device_key == device_key:
            return image
    raise DiskNotInPointError(f"point {point.id} holds no disk with device key {device_key}")


def planned_folder(session: RunSession, point: RecoveryPoint, image: DiskImage) -> Path:
    """A task folder that holds the `plan` of all stored blocks of an image; what it omits is zero."""
    folder = session.folder.task(f"disk-{image.disk.device_key}", session.run.attempt)
    reader = open_image(session.tools.repository, point, image)
    reader.write_plan(folder / "plan", include_zeros=False)
    return folder


def configuration_of(session: RunSession, point: RecoveryPoint) -> MachineConfiguration:
    """The machine's configuration as it is kept with the point.

    Raises:
        DamageError: one of its objects is missing or not what was written.
    """
    store = session.tools.repository.store
    return MachineConfiguration(
        document=read_referenced(store, point.configuration).decode(),
        vmx=read_referenced(store, point.vmx) if point.vmx else None,
        nvram=read_referenced(store, point.nvram) if point.nvram else None,
    )

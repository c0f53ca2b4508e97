"""What is asked before a restore may start, so that it does not fail an hour later."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import ApplianceError
from appliance.model.disk_tasks import TargetFormat
from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import DiskImage, RecoveryPoint
from appliance.model.requests import RestoreMachineRequest
from appliance.model.units import GIB
from appliance.services.points import image_of
from appliance.services.restores import new_file
from appliance.services.vcenter_gateway import VcenterSession
from appliance.services.vcenters import VcenterService
from appliance.vsphere.errors import MachineExistsError, MachineNotFoundError


@dataclass(frozen=True, slots=True)
class DiskOrder:
    """One disk of a point, by its device key or label, to a new file."""

    point: RecoveryPointId
    disk: str
    target: str
    target_format: TargetFormat = TargetFormat.RAW


RestoreOrder = RestoreMachineRequest | DiskOrder


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """One question asked before the start; a `failure` keeps the restore from starting."""

    question: str
    answer: str = ""
    failure: str = ""
    code: str = ""
    remedy: str = ""

    @property
    def passed(self) -> bool:
        """Whether the restore may start as far as this goes."""
        return not self.failure


def machine_checks(
    order: RestoreMachineRequest, point: RecoveryPoint, vcenters: VcenterService
) -> Iterator[PlanCheck]:
    """Whether the vCenter lets us in, and whether the new machine's name is free in its folder."""
    yield _has_disks(point)
    question = f"{order.vcenter} can be logged in to"
    try:
        with vcenters.session(order.vcenter) as session:
            yield PlanCheck(question, session.product)
            yield _name_is_free(order, point, session)
    except ApplianceError as error:
        yield _failed(question, error)


def disk_checks(order: DiskOrder, point: RecoveryPoint) -> Iterator[PlanCheck]:
    """Whether the file can be made, and whether there is room for it."""
    image = image_of(point, order.disk)
    question = "The file can be made"
    try:
        target = new_file(Path(order.target))
    except ApplianceError as error:
        yield _failed(question, error)
        return
    yield PlanCheck(question, str(target))
    yield _has_room(target.parent, written_at_most(image))


def written_at_most(image: DiskImage) -> int:
    """The most bytes a restore of this disk writes: every block that its maps name."""
    rows = sum(block_map.row_count for block_map in image.block_maps)
    return min(image.disk.capacity, image.block_size * rows)


def folder_of(order: RestoreMachineRequest, point: RecoveryPoint) -> str:
    """The inventory folder of the new machine: the wanted one, else that of the old one."""
    return (order.folder or point.machine_path.rpartition("/")[0]).rstrip("/")


def _has_disks(point: RecoveryPoint) -> PlanCheck:
    question = "The recovery point holds a disk"
    if point.images:
        return PlanCheck(question, ", ".join(image.disk.label for image in point.images))
    return PlanCheck(
        question, failure="it holds none: there is nothing to restore", remedy="Take another point."
    )


def _name_is_free(order: RestoreMachineRequest, point: RecoveryPoint, session: VcenterSession) -> PlanCheck:
    path = f"{folder_of(order, point)}/{order.name}"
    question = "The name is free"
    try:
        session.machine(path)
    except MachineNotFoundError:
        return PlanCheck(question, path)
    return _failed(question, MachineExistsError(path))


def _has_room(folder: Path, needed: int) -> PlanCheck:
    free = shutil.disk_usage(folder).free
    question = f"There is room in {folder}"
    answer = f"{free / GIB:.1f} GiB free, at most {needed / GIB:.1f} GiB are written"
    if free < needed:
        return PlanCheck(question, failure=answer, remedy="Free space there, or name a file elsewhere.")
    return PlanCheck(question, answer)


def _failed(question: str, error: ApplianceError) -> PlanCheck:
    return PlanCheck(question, failure=str(error), code=error.code, remedy=error.remedy)

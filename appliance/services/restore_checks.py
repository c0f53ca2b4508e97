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
from appliance.model.target_places import TargetDatastore, name_of
from appliance.model.units import GIB, MIB
from appliance.services.points import image_of
from appliance.services.restore_source import RestoreSource
from appliance.services.restore_target import RestoreTarget, resolve_target
from appliance.services.restores import new_file
from appliance.services.vcenter_gateway import VcenterSession
from appliance.services.vcenters import VcenterService
from appliance.vsphere.errors import DatastoreTooSmallError, MachineExistsError, MachineNotFoundError


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


@dataclass(frozen=True, slots=True)
class MachineChecks:
    """What a vCenter says of an order; `target` is None where it did not answer."""

    checks: tuple[PlanCheck, ...]
    target: RestoreTarget | None = None


def machine_checks(
    order: RestoreMachineRequest, point: RecoveryPoint, source: RestoreSource, vcenters: VcenterService
) -> MachineChecks:
    """Whether the vCenter lets us in, has all that is wanted and room for it, and the new name is free."""
    question = f"{order.vcenter} can be logged in to"
    try:
        with vcenters.session(order.vcenter) as session:
            target = resolve_target(order, source, session.places())
            checks = (
                _has_disks(point),
                PlanCheck(question, session.product),
                *_target_checks(target, sum(written_at_most(image) for image in point.images)),
                *([_name_is_free(f"{target.folder}/{order.name}", session)] if target.folder else []),
            )
    except ApplianceError as error:
        return MachineChecks((_has_disks(point), _failed(question, error)))
    return MachineChecks(checks, target)


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


def _has_disks(point: RecoveryPoint) -> PlanCheck:
    question = "The recovery point holds a disk"
    if point.images:
        return PlanCheck(question, ", ".join(image.disk.label for image in point.images))
    return PlanCheck(
        question, failure="it holds none: there is nothing to restore", remedy="Take another point."
    )


def _target_checks(target: RestoreTarget, needed: int) -> Iterator[PlanCheck]:
    question = "Everything that is wanted is there"
    for failure in target.failures:
        yield _failed(question, failure)
    if not target.failures:
        yield PlanCheck(question)
    if target.datastore is not None:
        yield _has_room_on(target.datastore, needed)


def _has_room_on(datastore: TargetDatastore, needed: int) -> PlanCheck:
    question = f"There is room on {name_of(datastore.path)}"
    answer = _room(datastore.free, needed)
    if datastore.free < needed:
        failed = DatastoreTooSmallError
        return PlanCheck(question, failure=answer, code=failed.code, remedy=failed.remedy)
    return PlanCheck(question, answer)


def _name_is_free(path: str, session: VcenterSession) -> PlanCheck:
    question = "The name is free"
    try:
        session.machine(path)
    except MachineNotFoundError:
        return PlanCheck(question, path)
    return _failed(question, MachineExistsError(path))


def _room(free: int, needed: int) -> str:
    unit, name = (GIB, "GiB") if needed >= GIB else (MIB, "MiB")  # 0.0 GiB would say nothing
    return f"{free / unit:.1f} {name} free, at most {needed / unit:.1f} {name} are written"


def _has_room(folder: Path, needed: int) -> PlanCheck:
    free = shutil.disk_usage(folder).free
    question = f"There is room in {folder}"
    answer = _room(free, needed)
    if free < needed:
        return PlanCheck(question, failure=answer, remedy="Free space there, or name a file elsewhere.")
    return PlanCheck(question, answer)


def _failed(question: str, error: ApplianceError) -> PlanCheck:
    return PlanCheck(question, failure=str(error), code=error.code, remedy=error.remedy)

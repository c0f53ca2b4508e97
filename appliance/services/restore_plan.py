"""What a restore will do, in words a person decides by. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.model.documents import to_json
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.requests import RestoreMachineRequest
from appliance.model.units import GIB
from appliance.repository.points import ListedPoint
from appliance.services.points import image_of
from appliance.services.restore_checks import DiskOrder, PlanCheck, RestoreOrder, folder_of, written_at_most


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One thing that will be done, in the order it is done."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What will happen and whether it can; `digest` changes when any of it does."""

    order: RestoreOrder
    point: RecoveryPoint
    steps: tuple[PlanStep, ...]
    checks: tuple[PlanCheck, ...]
    warnings: tuple[str, ...]
    digest: str

    @property
    def can_start(self) -> bool:
        """Whether all checks passed."""
        return all(check.passed for check in self.checks)


def plan_of(order: RestoreOrder, listed: ListedPoint, checks: Sequence[PlanCheck]) -> RestorePlan:
    """The plan for `order` from a point, given the answers to its checks."""
    point = listed.point
    steps = tuple(_disk_steps(order, point) if isinstance(order, DiskOrder) else _machine_steps(order, point))
    warnings = tuple(_warnings(listed, order))
    answers = [(check.question, check.passed) for check in checks]
    digest = hashlib.sha256(to_json([order, steps, answers, warnings])).hexdigest()
    return RestorePlan(order, point, steps, tuple(checks), warnings, digest)


def _machine_steps(order: RestoreMachineRequest, point: RecoveryPoint) -> Iterator[PlanStep]:
    place = f"In {folder_of(order, point) or '/'} of {order.vcenter}, {_where(order)}"
    yield PlanStep(
        f"Make the machine {order.name}", f"{place}. {_networks(order)} {point.machine_name} is not touched."
    )
    written = sum(written_at_most(image) for image in point.images)
    disks = ", ".join(f"{image.disk.label} ({_gib(image.disk.capacity)})" for image in point.images)
    yield PlanStep(
        f"Write at most {_gib(written)} to {_disks(len(point.images))}",
        f"{disks}. Blocks of zeros are skipped.",
    )
    yield PlanStep(
        "Compare",
        "Each block is compared with its digest before it is written; a sample is read back.",
    )
    if order.power_on:
        yield PlanStep(
            f"Power {order.name} on", "Make sure that the old machine is off if both use the same address."
        )
    else:
        yield PlanStep(
            f"Leave {order.name} powered off", "You look at it in vCenter and power it on when it suits."
        )


def _disk_steps(order: DiskOrder, point: RecoveryPoint) -> Iterator[PlanStep]:
    image = image_of(point, order.disk)
    yield PlanStep(
        f"Read {image.disk.label} as it was",
        f"{_gib(image.disk.capacity)}, of which at most {_gib(written_at_most(image))} hold data. "
        "Each block is compared with its digest.",
    )
    yield PlanStep(
        f"Write it to {order.target}",
        f"On the appliance, as {order.target_format}. The file has its name only when it is whole. "
        f"{point.machine_name} is not touched.",
    )


def _warnings(listed: ListedPoint, order: RestoreOrder) -> Iterator[str]:
    if listed.tombstone is not None:
        yield f"This point was retired: {listed.tombstone.explanation}"
    if listed.suspect_marks:
        yield "A later run found that this point may hold older bytes in places: change tracking had lied."
    if not isinstance(order, DiskOrder):
        for excluded in listed.point.excluded_disks:
            yield f"{excluded.disk.label} is not in this point ({excluded.reason}): the new machine lacks it."


def _where(order: RestoreMachineRequest) -> str:
    wanted = [
        f"{kind} {name}"
        for kind, name in (("cluster", order.cluster), ("host", order.host), ("datastore", order.datastore))
        if name
    ]
    return ", ".join(wanted) if wanted else "on the datastore and cluster it had"


def _networks(order: RestoreMachineRequest) -> str:
    if not order.networks:
        return "Its network cards stay disconnected."
    joined = ", ".join(f"{old} becomes {new}" for old, new in order.networks)
    return f"Networks: {joined}; others stay disconnected."


def _disks(count: int) -> str:
    return "1 disk" if count == 1 else f"{count} disks"


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"

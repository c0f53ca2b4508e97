"""What a restore will do, in words a person decides by. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.model.documents import to_json
from appliance.model.quantities import size_text
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.requests import RestoreMachineRequest
from appliance.repository.points import ListedPoint
from appliance.services.points import image_of
from appliance.services.restore_checks import (
    DiskOrder,
    MachineChecks,
    PlanCheck,
    RestoreOrder,
    written_at_most,
)
from appliance.services.restore_source import RestoreSource
from appliance.services.restore_target import ChosenNetwork, RestoreTarget


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

    @property
    def lines(self) -> tuple[str, ...]:
        """All that the digest covers, for a person to compare."""
        return (
            *(f"{step.title}: {step.detail}" for step in self.steps),
            *self.warnings,
            *(
                f"{check.question}: {'yes' if check.passed else f'no, {check.failure}'}"
                for check in self.checks
            ),
        )


@dataclass(frozen=True, slots=True)
class PlanDifferences:
    """What a plan said when it was shown and does not say now, and the other way round."""

    gone: tuple[str, ...]
    new: tuple[str, ...]


def differences_of(shown: Sequence[str], plan: RestorePlan) -> PlanDifferences:
    """Between the lines that were shown and those of the plan as it is now, each in its order."""
    lines = plan.lines
    return PlanDifferences(
        tuple(line for line in shown if line not in lines), tuple(line for line in lines if line not in shown)
    )


def disk_plan_of(order: DiskOrder, listed: ListedPoint, checks: Sequence[PlanCheck]) -> RestorePlan:
    """The plan for a disk of a point, given the answers to its checks."""
    return _plan(order, listed, tuple(_disk_steps(order, listed.point)), tuple(checks), ())


def machine_plan_of(
    order: RestoreMachineRequest, listed: ListedPoint, source: RestoreSource, checks: MachineChecks
) -> RestorePlan:
    """The plan for a whole machine, given what its vCenter has said."""
    steps = tuple(_machine_steps(order, listed.point, checks.target))
    return _plan(order, listed, steps, checks.checks, source.warnings)


def _plan(
    order: RestoreOrder,
    listed: ListedPoint,
    steps: tuple[PlanStep, ...],
    checks: tuple[PlanCheck, ...],
    lacks: tuple[str, ...],
) -> RestorePlan:
    warnings = (*_warnings(listed, order), *lacks)
    answers = [(check.question, check.passed) for check in checks]
    digest = hashlib.sha256(to_json([order, steps, answers, warnings])).hexdigest()
    return RestorePlan(order, listed.point, steps, checks, warnings, digest)


def _machine_steps(
    order: RestoreMachineRequest, point: RecoveryPoint, target: RestoreTarget | None
) -> Iterator[PlanStep]:
    yield PlanStep(
        f"Make the machine {order.name}",
        f"{_where(order, point, target)} {point.machine_name} is not touched.",
    )
    if target is not None and target.networks:
        yield PlanStep(
            "Set its network cards up",
            " ".join(_network_text(network, order) for network in target.networks),
        )
    written = sum(written_at_most(image) for image in point.images)
    disks = ", ".join(f"{image.disk.label} ({size_text(image.disk.capacity)})" for image in point.images)
    yield PlanStep(
        f"Write at most {size_text(written)} to {_disks(len(point.images))}",
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
        f"{size_text(image.disk.capacity)}, of which at most {size_text(written_at_most(image))} hold data. "
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


def _where(order: RestoreMachineRequest, point: RecoveryPoint, target: RestoreTarget | None) -> str:
    if target is None or target.compute is None or target.datastore is None:
        folder = order.folder or point.machine_path.rpartition("/")[0] or "/"
        return f"In {folder} of {order.vcenter}; the rest cannot be told before the checks pass."
    kind = "cluster" if target.compute.is_cluster else "host"
    place = f"{kind} {target.compute.path}, datastore {target.datastore.path}"
    return f"In {target.folder} of {order.vcenter}, on {place}."


def _network_text(network: ChosenNetwork, order: RestoreMachineRequest) -> str:
    if network.is_missing:
        return f"The card on {network.source} is left out: there is no such network."
    if not network.target:
        return f"The card on {network.source} stays there, disconnected."
    when = "is connected" if order.power_on else "is connected when you power it on"
    return f"The card on {network.source} goes to {network.target} and {when}."


def _disks(count: int) -> str:
    return "1 disk" if count == 1 else f"{count} disks"

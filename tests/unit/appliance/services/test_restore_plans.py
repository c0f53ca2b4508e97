from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.model.disk_tasks import TargetFormat
from appliance.model.identifiers import RecoveryPointId, RunId
from appliance.model.recovery_points import BlockMapKind, BlockMapReference, ExcludedDisk, ObjectReference
from appliance.model.requests import RestoreMachineRequest
from appliance.model.runs import RunKind
from appliance.model.units import MIB
from appliance.model.virtual_machines import ExclusionReason
from appliance.repository.errors import PointNotFoundError
from appliance.services import (
    DiskNotFoundError,
    DiskOrder,
    PlanBlockedError,
    PlanDifferences,
    PlanStaleError,
    RestorePlanService,
    differences_of,
)
from tests.fakes.console import ConsoleDesk
from tests.fakes.recovery_points import disk, image, point
from tests.fakes.services import Desk
from tests.fakes.vcenters import machine

POINT = RecoveryPointId("point-001")
ORDER = RestoreMachineRequest(point=POINT, vcenter="main", name="web-restored")


@pytest.fixture
def plans(desk: Desk) -> RestorePlanService:
    """A point of a machine with one disk of 1 GiB, of which four blocks hold data."""
    desk.equipped()
    blocks = BlockMapReference(BlockMapKind.FULL, ObjectReference("k", 1, "d"), 4, POINT)
    desk.catalog.points = [point(1, replace(image(disk()), block_maps=(blocks,)))]
    return ConsoleDesk(desk).services.restore_plans


def file_order(folder: Path) -> DiskOrder:
    return DiskOrder(POINT, "2000", str(folder / "disk.raw"))


def test_a_plan_for_a_machine_says_where_what_and_how_it_ends(plans: RestorePlanService) -> None:
    plan = plans.plan(ORDER)

    assert plan.can_start
    assert [step.title for step in plan.steps] == [
        "Make the machine web-restored",
        "Set its network cards up",
        "Write at most 1.0 MiB to 1 disk",
        "Compare",
        "Leave web-restored powered off",
    ]
    assert "/dc/host/Gold/esx-01, datastore /dc/datastore/ssd-1" in plan.steps[0].detail
    assert plan.steps[1].detail == "The card on VM Network stays there, disconnected."
    assert [check.question for check in plan.checks] == [
        "The recovery point holds a disk",
        "main can be logged in to",
        "Everything that is wanted is there",
        "There is room on ssd-1",
        "The name is free",
    ]


def test_a_plan_for_a_file_asks_for_the_file_and_for_room(plans: RestorePlanService, tmp_path: Path) -> None:
    plan = plans.plan(file_order(tmp_path))

    assert plan.can_start
    assert plan.checks[0].question == "The file can be made"
    assert plan.checks[1].question.startswith("There is room in")


def test_starting_the_plan_that_was_shown_queues_it(plans: RestorePlanService, tmp_path: Path) -> None:
    started = plans.start(ORDER, plans.plan(ORDER).digest)
    order = file_order(tmp_path)
    second = plans.start(order, plans.plan(order).digest)

    assert (started.run.kind, started.joined) == (RunKind.RESTORE_MACHINE, False)
    assert (second.run.kind, second.joined) == (RunKind.RESTORE_DISK, False)


def test_starting_it_twice_is_one_run(plans: RestorePlanService, tmp_path: Path) -> None:
    for order in (ORDER, file_order(tmp_path)):
        digest = plans.plan(order).digest
        first, second = plans.start(order, digest), plans.start(order, digest)

        assert second.run.id == first.run.id
        assert second.joined


@pytest.mark.parametrize(
    "changed",
    [
        replace(ORDER, power_on=True),
        replace(ORDER, datastore="nvme"),
        replace(ORDER, networks=(("a", "b"),)),
        replace(ORDER, name="other"),
    ],
)
def test_another_order_than_the_one_shown_is_stale(
    plans: RestorePlanService, changed: RestoreMachineRequest
) -> None:
    shown = plans.plan(ORDER)

    with pytest.raises(PlanStaleError):
        plans.start(changed, shown.digest)


def test_a_point_that_has_come_into_doubt_makes_the_plan_stale(desk: Desk, plans: RestorePlanService) -> None:
    shown = plans.plan(ORDER)
    excluded = ExcludedDisk(disk(2001), ExclusionReason.INDEPENDENT, accepted=True)
    desk.catalog.points = [replace(desk.catalog.points[0], excluded_disks=(excluded,))]

    assert plans.plan(ORDER).warnings
    with pytest.raises(PlanStaleError):
        plans.start(ORDER, shown.digest)


def test_a_name_that_is_taken_in_that_folder_blocks(desk: Desk, plans: RestorePlanService) -> None:
    desk.gateway.inventory = [replace(machine("web-restored"), path="/dc/vm/web-restored")]
    plan = plans.plan(ORDER)

    assert not plan.can_start
    assert plan.checks[-1].code == "KL-2033"
    with pytest.raises(PlanBlockedError, match="The name is free"):
        plans.start(ORDER, plan.digest)
    assert plans.plan(replace(ORDER, folder="/dc/vm/other")).can_start


def test_a_vcenter_that_refuses_blocks(desk: Desk, plans: RestorePlanService) -> None:
    desk.gateway.password = "changed"

    assert plans.plan(ORDER).checks[-1].code == "KL-2003"


def test_a_vcenter_that_nobody_knows_blocks(plans: RestorePlanService) -> None:
    assert plans.plan(replace(ORDER, vcenter="nowhere")).checks[-1].code == "KL-1091"


def test_a_file_that_exists_blocks(plans: RestorePlanService, tmp_path: Path) -> None:
    (tmp_path / "disk.raw").touch()
    plan = plans.plan(file_order(tmp_path))

    assert [check.code for check in plan.checks] == ["KL-1005"]
    with pytest.raises(PlanBlockedError):
        plans.start(file_order(tmp_path), plan.digest)


def test_a_point_without_disks_blocks(desk: Desk, plans: RestorePlanService) -> None:
    desk.catalog.points = [point(1)]

    assert not plans.plan(ORDER).can_start


def test_a_point_or_disk_that_is_not_there_has_no_plan(plans: RestorePlanService, tmp_path: Path) -> None:
    with pytest.raises(PointNotFoundError):
        plans.plan(replace(ORDER, point=RecoveryPointId("gone")))
    with pytest.raises(DiskNotFoundError):
        plans.plan(DiskOrder(POINT, "9", str(tmp_path / "x"), TargetFormat.VMDK))


def test_the_run_is_asked_for_exactly_what_was_planned(desk: Desk, plans: RestorePlanService) -> None:
    run = plans.start(ORDER, plans.plan(ORDER).digest).run

    assert desk.runs.find(RunId(run.id)).subject_name == "web-restored"


def test_what_was_chosen_is_in_the_plan(desk: Desk, plans: RestorePlanService) -> None:
    desk.catalog.networks = ("VM Network", "Frontend")
    order = replace(
        ORDER,
        cluster="/dc/host/Gold",
        datastore="bulk",
        folder="/dc/vm/other",
        networks=(("VM Network", "/dc/network/Isolated"),),
        power_on=True,
    )
    plan = plans.plan(order)

    assert plan.can_start
    assert "In /dc/vm/other of main, on cluster /dc/host/Gold" in plan.steps[0].detail
    assert "goes to /dc/network/Isolated and is connected." in plan.steps[1].detail
    assert "The card on Frontend is left out: there is no such network." in plan.steps[1].detail


def test_a_datastore_that_is_too_small_blocks_with_both_numbers(
    desk: Desk, plans: RestorePlanService
) -> None:
    places = desk.gateway.places
    small = tuple(replace(each, free=MIB // 2) for each in places.datastores)
    desk.gateway.places = replace(places, datastores=small)
    plan = plans.plan(ORDER)

    failed = next(check for check in plan.checks if not check.passed)
    assert (failed.code, failed.failure) == ("KL-2054", "0.5 MiB free, at most 1.0 MiB are written")
    with pytest.raises(PlanBlockedError):
        plans.start(ORDER, plan.digest)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (replace(ORDER, folder="/dc/vm/nowhere"), "KL-2051"),
        (replace(ORDER, datastore="nowhere"), "KL-2051"),
        (replace(ORDER, cluster="nowhere"), "KL-2051"),
        (replace(ORDER, host="nowhere"), "KL-2051"),
        (replace(ORDER, datastore="/Paris/datastore/ssd-1"), "KL-2051"),
        (replace(ORDER, networks=(("VM Network", "nowhere"),)), "KL-2051"),
        (replace(ORDER, networks=(("Unheard of", "Isolated"),)), "KL-2051"),
        (replace(ORDER, host="esx-02"), "KL-1240"),
        (replace(ORDER, host="esx-09", datastore="ssd-1"), "KL-1240"),
    ],
)
def test_what_is_not_there_or_cannot_be_used_blocks(
    plans: RestorePlanService, changed: RestoreMachineRequest, code: str
) -> None:
    plan = plans.plan(changed)

    assert code in [check.code for check in plan.checks]
    with pytest.raises(PlanBlockedError):
        plans.start(changed, plan.digest)


def test_a_plan_that_became_another_names_the_differences(desk: Desk, plans: RestorePlanService) -> None:
    shown = plans.plan(ORDER)
    desk.catalog.networks = ("Frontend",)
    found = differences_of(shown.lines, plans.plan(ORDER))

    (gone,), (new,) = found.gone, found.new
    assert "VM Network stays there" in gone
    assert "Frontend is left out" in new
    assert differences_of(shown.lines, shown) == PlanDifferences((), ())

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.model.disk_tasks import TargetFormat
from appliance.model.documents import from_json
from appliance.model.identifiers import RecoveryPointId
from appliance.model.requests import (
    BackupRequest,
    RestoreDiskRequest,
    RestoreMachineRequest,
    VerifyRequest,
)
from appliance.model.runs import RunKind, RunState
from appliance.model.virtual_machines import MachineIdentity
from appliance.repository.errors import PointNotFoundError
from appliance.services import (
    BackupOrder,
    DiskNotFoundError,
    MachineIsTemplateError,
    TargetExistsError,
    TargetFolderError,
    image_of,
)
from appliance.state import RepositoryNotFoundError, RunFilter, VcenterNotFoundError
from appliance.storage import RepositoryMissingError
from appliance.vsphere.errors import MachineAmbiguousError, MachineNotFoundError
from tests.fakes.recovery_points import disk, image, point
from tests.fakes.services import Desk
from tests.fakes.vcenters import machine

POINT = point(1, image(disk(2000, "a")), image(disk(2001, "b")))


def test_each_machine_gets_a_run_in_the_order_asked_for(desk: Desk) -> None:
    desk.equipped().gateway.inventory = [machine("a", 1), machine("b", 2)]

    requested = desk.backups.request(BackupOrder("main", ["b", "a", "b"], ["Hard disk 2"], full=True))

    assert [(each.run.subject_name, each.joined) for each in requested] == [("b", False), ("a", False)]
    run = requested[0].run
    assert (run.kind, run.state) == (RunKind.BACKUP, RunState.QUEUED)
    expected = BackupRequest(
        "main", machine("b", 2).moref, machine("b", 2).identity, ("Hard disk 2",), full=True
    )
    assert from_json(BackupRequest, run.request) == expected


def test_a_repository_that_is_away_queues_nothing(desk: Desk) -> None:
    desk.equipped().gateway.inventory = [machine("a")]
    desk.repositories.location().rename(desk.folder / "unmounted")
    with pytest.raises(RepositoryMissingError):
        desk.backups.request(BackupOrder("main", ["a"]))
    with pytest.raises(RepositoryMissingError):
        desk.repositories.request_check(read_data=False)
    assert desk.runs.page(RunFilter()) == []


def test_two_names_of_one_machine_join_in_one_run(desk: Desk) -> None:
    desk.equipped().gateway.inventory = [machine("a")]
    first, second = desk.backups.request(BackupOrder("main", ["a", "/DC/vm/a"]))
    assert second.joined
    assert second.run.id == first.run.id


@pytest.mark.parametrize(
    ("wanted", "error"), [("nowhere", MachineNotFoundError), ("twin", MachineAmbiguousError)]
)
def test_a_machine_that_is_not_found_or_not_clear_queues_nothing(
    desk: Desk, wanted: str, error: type[Exception]
) -> None:
    desk.equipped().gateway.inventory = [machine("a", 1), machine("twin", 2), machine("twin", 3)]
    with pytest.raises(error):
        desk.backups.request(BackupOrder("main", ["a", wanted]))
    assert desk.runs.page(RunFilter()) == []


def test_a_template_is_refused_before_anything_is_queued(desk: Desk) -> None:
    desk.equipped().gateway.inventory = [machine("a", 1), machine("golden", 2, is_template=True)]
    with pytest.raises(MachineIsTemplateError, match="golden"):
        desk.backups.request(BackupOrder("main", ["a", "golden"]))
    assert desk.runs.page(RunFilter()) == []


def test_without_a_repository_no_vcenter_is_asked(desk: Desk) -> None:
    desk.vcenters.add(desk.new_vcenter())
    desk.gateway.addresses.clear()
    with pytest.raises(RepositoryNotFoundError):
        desk.backups.request(BackupOrder("main", ["a"]))
    assert desk.gateway.addresses == []


@pytest.mark.parametrize(("wanted", "key"), [("2001", 2001), ("1", 2001), ("0", 2000)])
def test_a_disk_is_named_by_key_or_number(wanted: str, key: int) -> None:
    assert image_of(POINT, wanted).disk.device_key == key


def test_a_disk_is_named_by_its_label_whatever_the_case() -> None:
    second = replace(image(disk(2001, "b")), disk=replace(disk(2001, "b"), label="Hard disk 2"))
    assert image_of(replace(POINT, images=(POINT.images[0], second)), "hard DISK 2") == second


@pytest.mark.parametrize("wanted", ["Hard disk 1", "2", "-1", "2002", ""])
def test_a_disk_that_is_not_there_or_not_clear_is_refused(wanted: str) -> None:
    with pytest.raises(DiskNotFoundError, match="2001"):
        image_of(POINT, wanted)


def test_a_disk_restore_is_queued_with_an_absolute_target(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.catalog.points = [POINT]
    monkeypatch.chdir(tmp_path)

    run = desk.restores.request_disk(POINT.id, "2001", Path("disk.qcow2"), TargetFormat.QCOW2).run

    expected = RestoreDiskRequest(POINT.id, 2001, str(tmp_path / "disk.qcow2"), TargetFormat.QCOW2)
    assert (run.kind, from_json(RestoreDiskRequest, run.request)) == (RunKind.RESTORE_DISK, expected)


def test_a_target_that_exists_is_refused_even_as_a_dangling_link(desk: Desk, tmp_path: Path) -> None:
    desk.catalog.points = [POINT]
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(TargetExistsError, match=name):
            desk.restores.request_disk(POINT.id, "0", tmp_path / name, TargetFormat.RAW)


def test_a_target_without_folder_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.catalog.points = [POINT]
    with pytest.raises(TargetFolderError, match="nowhere"):
        desk.restores.request_disk(POINT.id, "0", tmp_path / "nowhere" / "disk", TargetFormat.RAW)


def test_an_unknown_point_is_refused_everywhere(desk: Desk, tmp_path: Path) -> None:
    desk.equipped()
    unknown = RecoveryPointId("unknown")
    with pytest.raises(PointNotFoundError):
        desk.restores.request_disk(unknown, "0", tmp_path / "disk", TargetFormat.RAW)
    with pytest.raises(PointNotFoundError):
        desk.restores.request_machine(RestoreMachineRequest(unknown, "main", "new"))
    with pytest.raises(PointNotFoundError):
        desk.points.request_verification(unknown)
    with pytest.raises(PointNotFoundError):
        desk.points.find(unknown)


def test_a_machine_restore_names_the_new_machine_and_needs_a_known_vcenter(desk: Desk) -> None:
    desk.equipped().catalog.points = [POINT]
    request = RestoreMachineRequest(POINT.id, "main", "new", networks=(("A", "B"),), power_on=True)

    run = desk.restores.request_machine(request).run
    assert (run.kind, run.subject_name) == (RunKind.RESTORE_MACHINE, "new")
    assert from_json(RestoreMachineRequest, run.request) == request
    with pytest.raises(VcenterNotFoundError):
        desk.restores.request_machine(replace(request, vcenter="other"))


def test_a_verification_is_queued_for_its_point(desk: Desk) -> None:
    desk.catalog.points = [POINT]
    run = desk.points.request_verification(POINT.id).run
    assert (run.kind, run.subject, from_json(VerifyRequest, run.request)) == (
        RunKind.VERIFY,
        POINT.id,
        VerifyRequest(POINT.id),
    )


def test_points_are_listed_by_time_and_by_machine(desk: Desk) -> None:
    other = replace(point(2), machine_name="db", machine=MachineIdentity("v", "other"))
    desk.catalog.points = [point(3), other, point(1)]

    def listed(wanted: str | None = None) -> list[str]:
        return [each.point.id for each in desk.points.listing(wanted).points]

    assert listed() == ["point-001", "point-002", "point-003"]
    assert listed("db") == listed("other") == ["point-002"]
    assert listed("nobody") == []
    assert {key: each.id for key, each in desk.points.newest_by_machine().items()} == {
        "v.m": "point-003",
        "v.other": "point-002",
    }


def test_the_inventory_says_when_each_machine_was_last_protected(desk: Desk) -> None:
    protected, bare = machine("a", 1), machine("b", 2)
    desk.equipped().gateway.inventory = [protected, bare]
    newest = replace(point(2), machine=protected.identity)
    desk.catalog.points = [replace(point(1), machine=protected.identity), newest]

    listed = desk.inventory.machines("main")
    assert [(each.machine.name, each.newest_point, each.protected_at) for each in listed] == [
        ("a", newest.id, newest.created_at),
        ("b", None, None),
    ]


def test_cancelling_what_has_ended_meanwhile_is_no_error(desk: Desk) -> None:
    desk.catalog.points = [POINT]
    first, second = (desk.points.request_verification(POINT.id).run.id for _ in range(2))
    desk.runs.cancel(first)
    desk.runs.cancel_active([first, second])
    assert [run.state for run in desk.runs.page(RunFilter())] == [RunState.CANCELLED] * 2

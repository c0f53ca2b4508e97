from __future__ import annotations

from pathlib import Path

import pytest

from keepline_lab.errors import LabError
from keepline_lab.extents import GRANULARITY, cells_of, differing_extents
from keepline_lab.guest import Guest, assert_sound, check_filesystems, ensure_guest
from keepline_lab.guest.partitions import file_systems

MIB = 1 << 20
pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def guest() -> Guest:
    return ensure_guest()


def epoch_images(guest: Guest, number: int, folder: Path) -> list[Path]:
    images = []
    for disk in guest.disks:
        images.append(folder / f"{disk.name}-{number}.img")
        guest.write_epoch_image(disk.name, number, images[-1])
    return images


def test_each_disk_holds_the_file_system_it_is_named_for(guest: Guest) -> None:
    kinds = {disk.name: [found.kind for found in file_systems(disk.base)] for disk in guest.disks}
    assert kinds == {"root": ["ext4"], "data": ["xfs"], "ntfs": ["ntfs"]}


def test_all_file_systems_are_sound_at_the_end_of_every_epoch(guest: Guest, tmp_path: Path) -> None:
    for number in range(len(guest.epochs) + 1):
        images = epoch_images(guest, number, tmp_path)
        assert [check.sound for check in check_filesystems(images)] == [True, True, True]
        for image in images:
            image.unlink()


@pytest.mark.parametrize("disk", ["root", "data", "ntfs"])
def test_an_epoch_changes_no_cell_outside_its_extents(guest: Guest, tmp_path: Path, disk: str) -> None:
    guest.write_epoch_image(disk, 2, tmp_path / "before")
    guest.write_epoch_image(disk, 3, tmp_path / "after")
    changed = cells_of(differing_extents(tmp_path / "before", tmp_path / "after"))
    assert changed
    assert changed <= cells_of(guest.epoch(3).change_of(disk).extents)


def test_every_epoch_changes_every_disk_but_little_of_it(guest: Guest) -> None:
    for epoch in guest.epochs:
        for change in epoch.changes:
            assert 0 < change.length < guest.disk(change.disk).capacity / 10
            assert change.content.stat().st_blocks * 512 <= change.length + MIB


def test_damage_is_found_in_each_kind_of_file_system(guest: Guest, tmp_path: Path) -> None:
    for disk in guest.disks:
        image = tmp_path / disk.name
        guest.write_epoch_image(disk.name, 0, image)
        start = file_systems(image)[0].extent.offset
        with image.open("r+b") as file:
            file.seek(start + GRANULARITY // 16)  # past the superblock or boot sector
            file.write(b"\xa5" * GRANULARITY * 8)
        with pytest.raises(LabError, match="found damage"):
            assert_sound([image])


def test_an_image_without_file_system_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(bytes(GRANULARITY))
    with pytest.raises(LabError, match="holds no ext4, XFS or NTFS at byte 0"):
        check_filesystems([tmp_path / "empty"])


def test_an_epoch_or_disk_that_does_not_exist_is_named(guest: Guest) -> None:
    with pytest.raises(LabError, match="epochs 1 to 4, not 9"):
        guest.epoch(9)
    with pytest.raises(LabError, match="no disk 'swap', only root, data, ntfs"):
        guest.disk("swap")

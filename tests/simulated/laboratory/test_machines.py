from __future__ import annotations

from pathlib import Path

import pytest

from keepline_lab.errors import LabError
from keepline_lab.library import LibraryBehaviour, VddkFault
from keepline_lab.machines import Disk, Machine, as_configuration, parse_machine, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", 512), ("1K", 1024), ("64M", 64 << 20), ("4g", 4 << 30), ("2TiB", 2 << 40), ("1GB", 1 << 30)],
)
def test_sizes_are_powers_of_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "513", "-1", "1.5G", "12X", "G"])
def test_what_is_no_size_of_a_disk_is_refused(text: str) -> None:
    with pytest.raises(LabError):
        parse_size(text)


def test_a_machine_of_sizes_has_one_disk_a_size() -> None:
    assert parse_machine("web-01:1G,64M") == Machine("web-01", (Disk(size=1 << 30), Disk(size=64 << 20)))


def test_a_machine_of_images_has_one_disk_an_image(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(1024))
    assert parse_machine(f"web-01={image}") == Machine("web-01", (Disk(image=image),))


@pytest.mark.parametrize("text", ["web-01", "web-01:", ":1G", "=x"])
def test_a_machine_without_name_or_disks_is_refused(text: str) -> None:
    with pytest.raises(LabError, match="neither"):
        parse_machine(text)


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"missing\.img does not exist"):
        parse_machine(f"web-01={tmp_path}/missing.img")


def test_an_image_that_is_not_whole_sectors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "disk.vmdk").write_bytes(b"KDMV")
    with pytest.raises(LabError, match=r"has 4 bytes.*must be raw"):
        parse_machine(f"web-01={tmp_path}/disk.vmdk")


def test_the_configuration_leaves_out_what_the_simulated_vcenter_decides() -> None:
    machine = Machine("web-01", (Disk(size=512, mode="persistent"),), power="on")
    assert as_configuration(machine) == {
        "name": "web-01",
        "power": "on",
        "disks": [{"size": 512, "mode": "persistent"}],
    }


def test_the_librarys_configuration_has_one_line_a_fact() -> None:
    fault = VddkFault("VixDiskLib_Read", "error:13", nth=5, path="*web*", once=Path("/lab/once"))
    behaviour = LibraryBehaviour(transports=("nbd",), latency_microseconds={"nbd": 1000}, faults=(fault,))
    assert behaviour.configuration("127.0.0.1:9").splitlines() == [
        "gate=127.0.0.1:9",
        "version=8.0.3",
        "strict_threads=1",
        "strict_loader=1",
        "strict_libraries=1",
        "transports=nbd",
        "latency_microseconds.nbd=1000",
        "fault.1=VixDiskLib_Read nth=5 count=1 path=*web* action=error:13 once=/lab/once",
    ]


def test_an_unknown_version_or_transport_is_refused() -> None:
    with pytest.raises(LabError, match=r"no simulated VDDK 5\.0"):
        LibraryBehaviour(version="5.0")
    with pytest.raises(LabError, match="no transport mode 'smoke'"):
        LibraryBehaviour(transports=("smoke",))

"""The bindings move bytes through the simulated library, in every way and with every generation of it."""

from __future__ import annotations

import random
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from pyVim.connect import Disconnect, SmartConnect

from tests.simulated.vddk_bindings.client import Client, StartClient

pytestmark = pytest.mark.simulated

GENERATIONS = ["6.7.3", "7.0.3", "8.0.3", "9.0.1"]


@pytest.mark.parametrize("version", GENERATIONS)
def test_snapshot_is_copied_by_threads_with_a_handle_each(
    start_client: StartClient, disk_image: Path, tmp_path: Path, version: str
) -> None:
    client = start_client(version)
    client.take_snapshot()

    client.play("copy", target=str(tmp_path / "copy"))

    assert (tmp_path / "copy").read_bytes() == disk_image.read_bytes()
    assert client.disk_file.read_bytes() != disk_image.read_bytes()
    assert client.lab.control.state().open_handles == ()


def test_snapshot_is_copied_by_queued_requests(client: Client, disk_image: Path, tmp_path: Path) -> None:
    result = client.play("copy_asynchronously", target=str(tmp_path / "copy"))

    assert result["errors"] == []
    assert (tmp_path / "copy").read_bytes() == disk_image.read_bytes()


@pytest.mark.parametrize("chunk", [128, 1000, 2048])
def test_allocated_areas_hold_all_data_of_the_snapshot(
    client: Client, disk_image: Path, tmp_path: Path, chunk: int
) -> None:
    result = client.play("copy_allocated", target=str(tmp_path / "copy"), chunk=chunk)

    assert (tmp_path / "copy").read_bytes() == disk_image.read_bytes()
    assert result["sectors"] < disk_image.stat().st_size // 512


def test_written_sectors_are_in_the_disk_and_nothing_else_changed(
    start_client: StartClient, disk_image: Path, tmp_path: Path
) -> None:
    client = start_client(power="off")
    content = random.Random(3).randbytes(200 * 512)
    (tmp_path / "content").write_bytes(content)

    result = client.play("write", content=str(tmp_path / "content"), sector=3000, read_only=False)

    assert not result["failed"]
    assert result["metadata"] == "was here"
    before, after = disk_image.read_bytes(), client.disk_file.read_bytes()
    assert after == before[: 3000 * 512] + content + before[3200 * 512 :]


@pytest.mark.parametrize("version", GENERATIONS)
def test_information_is_what_vcenter_says(start_client: StartClient, disk_image: Path, version: str) -> None:
    client = start_client(version, sector_size=4096)
    client.take_snapshot()

    result = client.play("look")

    assert result["capacity"] == disk_image.stat().st_size
    assert hexadecimal(result["uuid"]) == hexadecimal(client.lab.control.machine("web").disks[0].uuid)
    assert (result["adapter"], result["links"], result["mode"]) == ("SCSI_LSILOGIC", 1, "nbdssl")
    assert {"adapterType", "uuid"} <= set(result["keys"])
    assert result["sector_sizes"] == ([None, None] if version == "6.7.3" else [4096, 4096])


def hexadecimal(uuid: str) -> str:
    return "".join(character for character in uuid.lower() if character in "0123456789abcdef")


def test_session_cookie_of_vcenter_is_a_log_in(client: Client, disk_image: Path) -> None:
    service = SmartConnect(  # type: ignore[no-untyped-call]  # pyVmomi has no types
        host=client.task["server"],
        port=client.task["port"],
        user=client.task["user"],
        pwd=client.task["password"],
        disableSslCertValidation=True,
    )
    try:
        cookie = SimpleCookie(service._stub.cookie)["vmware_soap_session"].coded_value
        result = client.play("look", cookie=cookie, password="not this one")
    finally:
        Disconnect(service)  # type: ignore[no-untyped-call]

    assert result["capacity"] == disk_image.stat().st_size


def test_hot_add_is_used_where_it_is_possible(start_client: StartClient) -> None:
    client = start_client(transports=("hotadd", "nbdssl"))
    client.take_snapshot()
    modes = ["hotadd", "nbdssl"]
    wrong_folder = str(client.lab.vddk_folder / "lib64")

    assert client.play("look", modes=modes)["mode"] == "hotadd"
    assert client.play("look", modes=modes, library_folder=wrong_folder)["mode"] == "nbdssl"
    assert "hotadd" in client.play("transport_modes")["modes"]


def test_nothing_is_leaked_inside_the_library(client: Client, tmp_path: Path) -> None:
    for scenario in ("look", "copy", "copy_asynchronously", "copy_allocated", "hold_access", "clean_up"):
        log = client.play(scenario, target=str(tmp_path / "copy"), chunk=128)["log"]

        assert log
        assert [line for line in log if "leaked:" in line] == []

"""The bindings move bytes through the simulated library, in every way and with every generation of it."""

import random
from pathlib import Path

import pytest

from tests.simulated.vddk_bindings.conftest import CAPACITY, Client, laboratory

GENERATIONS = ["6.7.3", "7.0.3", "8.0.3", "9.0.1"]


@pytest.mark.parametrize("version", GENERATIONS)
def test_disk_is_copied_by_threads_with_a_handle_each(tmp_path: Path, version: str) -> None:
    with laboratory(tmp_path, version) as client:
        client.play("copy", target=str(tmp_path / "copy"))

        assert (tmp_path / "copy").read_bytes() == client.disk_file.read_bytes()
        assert client.state.handles == set()


def test_disk_is_copied_by_queued_requests(client: Client, tmp_path: Path) -> None:
    result = client.play("copy_asynchronously", target=str(tmp_path / "copy"))

    assert result["errors"] == []
    assert (tmp_path / "copy").read_bytes() == client.disk_file.read_bytes()


@pytest.mark.parametrize("chunk", [128, 1000, 2048])
def test_allocated_areas_hold_all_data_of_the_disk(client: Client, tmp_path: Path, chunk: int) -> None:
    result = client.play("copy_allocated", target=str(tmp_path / "copy"), chunk=chunk)

    assert (tmp_path / "copy").read_bytes() == client.disk_file.read_bytes()
    assert result["sectors"] < CAPACITY // 512


def test_written_sectors_are_in_the_disk_and_nothing_else_changed(client: Client, tmp_path: Path) -> None:
    before = client.disk_file.read_bytes()
    content = random.Random(3).randbytes(200 * 512)
    (tmp_path / "content").write_bytes(content)

    result = client.play(
        "write", content=str(tmp_path / "content"), sector=3000, snapshot=None, read_only=False
    )

    assert not result["failed"]
    assert result["metadata"] == "was here"
    after = client.disk_file.read_bytes()
    assert after == before[: 3000 * 512] + content + before[3200 * 512 :]


@pytest.mark.parametrize("version", GENERATIONS)
def test_information_is_what_the_server_says(tmp_path: Path, version: str) -> None:
    with laboratory(tmp_path, version) as client:
        client.state.sector_size = 4096
        result = client.play("look")

    assert result["capacity"] == CAPACITY
    assert result["uuid"] == "60 00 C2 9a bc de f0 12-34 56 78 9a bc de f0 12"
    assert (result["adapter"], result["links"], result["mode"]) == ("SCSI_LSILOGIC", 2, "nbdssl")
    assert result["keys"] == ["adapterType", "uuid"]
    assert (result["sector_sizes"] == [None, None]) == (version == "6.7.3")


def test_session_cookie_logs_in(client: Client) -> None:
    assert client.play("look", cookie="cookie", password="other")["capacity"] == CAPACITY


def test_hot_add_is_used_where_it_is_possible(tmp_path: Path) -> None:
    with laboratory(tmp_path, transports="hotadd:nbdssl:nbd") as client:
        modes = ["hotadd", "nbdssl"]
        assert client.play("look", modes=modes)["mode"] == "hotadd"
        wrong_folder = client.play("look", modes=modes, library_folder=str(tmp_path / "vddk" / "lib64"))
        assert wrong_folder["mode"] == "nbdssl"
        assert "hotadd" in client.play("transport_modes")["modes"]


def test_nothing_is_leaked_inside_the_library(client: Client, tmp_path: Path) -> None:
    for scenario in ("look", "copy", "copy_asynchronously", "copy_allocated", "hold_access", "clean_up"):
        log = client.play(scenario, target=str(tmp_path / "copy"), chunk=128)["log"]

        assert log
        assert [line for line in log if "leaked:" in line] == []

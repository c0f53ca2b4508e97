"""What the library would abort on never reaches it: it runs in its strictest mode here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from keepline_lab.toolchain import VDDK_SOURCES
from tests.simulated.vddk_bindings.client import Client, StartClient

pytestmark = pytest.mark.simulated


def test_many_threads_share_one_designated_thread(client: Client) -> None:
    result = client.play("use_from_many_threads")

    assert result["sizes"] == 1
    assert result["opened"] == 24


def test_process_of_a_client_holds_no_library_that_vddk_brings_along(client: Client) -> None:
    log = client.play("look")["log"]

    assert log
    assert not [line for line in log if "is in this process already" in line]


def test_fork_is_refused_and_the_parent_goes_on(client: Client) -> None:
    assert client.play("fork")["status"] == 42


def test_access_is_held_by_one_at_a_time(client: Client) -> None:
    assert client.play("hold_access")["refused"] == "LockedError"
    assert client.lab.control.state().holds == ()


def test_leftovers_of_a_dead_client_are_cleaned_up(start_client: StartClient) -> None:
    client = start_client(transports=("hotadd", "nbdssl"))
    client.take_snapshot()
    assert client.start("leave_open_and_die", modes=["hotadd"]).returncode == 0
    assert len(client.lab.control.state().attached) == 1

    result = client.play("clean_up")

    assert (result["cleaned"], result["remaining"]) == (1, 0)
    assert client.lab.control.state().attached == ()


def test_library_without_newer_functions_works_until_they_are_called(
    start_client: StartClient, tmp_path: Path
) -> None:
    client = start_client("6.5.4")
    client.take_snapshot()

    assert client.play("look")["mode"] == "nbdssl"
    assert client.play("copy", target=str(tmp_path / "copy"))["pieces"]
    result = client.play("copy_allocated", target=str(tmp_path / "copy"), chunk=128)

    assert result["error"] == "MissingFunctionError"
    assert "QueryAllocatedBlocks" in result["message"]


def test_library_for_another_machine_is_refused(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    command = ["make", "--silent", "-C", str(VDDK_SOURCES), "wrong-architecture", f"DEST={folder}"]
    subprocess.run(command, check=True, capture_output=True)

    assert client.play("look", vddk=str(folder))["error"] == "WrongArchitectureError"

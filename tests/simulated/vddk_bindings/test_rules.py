"""What the library would abort on never reaches it: it runs in its strictest mode here."""

import subprocess
from pathlib import Path

from tests.simulated.vddk_bindings.conftest import LIBRARY_SOURCES, Client, laboratory


def test_many_threads_share_one_designated_thread(client: Client) -> None:
    result = client.play("use_from_many_threads")

    assert result["sizes"] == 1
    assert result["opened"] == 24


def test_process_of_a_client_holds_no_library_that_vddk_brings_along(client: Client) -> None:
    log = client.play("look")["log"]

    assert not [line for line in log if "is in this process already" in line]


def test_fork_is_refused_and_the_parent_goes_on(client: Client) -> None:
    assert client.play("fork")["status"] == 42


def test_access_is_held_by_one_at_a_time(client: Client) -> None:
    assert client.play("hold_access")["refused"] == "LockedError"
    assert client.state.holder is None


def test_leftovers_of_a_dead_client_are_cleaned_up(tmp_path: Path) -> None:
    with laboratory(tmp_path, transports="hotadd:nbdssl") as client:
        assert client.start("leave_open_and_die", modes=["hotadd"]).returncode == 0

        result = client.play("clean_up")

    assert (result["cleaned"], result["remaining"]) == (1, 0)


def test_library_without_newer_functions_works_until_they_are_called(tmp_path: Path) -> None:
    with laboratory(tmp_path, "6.5.4") as client:
        assert client.play("look")["mode"] == "nbdssl"
        assert client.play("copy", target=str(tmp_path / "copy"))["pieces"]
        result = client.play("copy_allocated", target=str(tmp_path / "copy"), chunk=128)

    assert result["error"] == "MissingFunctionError"
    assert "QueryAllocatedBlocks" in result["message"]


def test_library_for_another_machine_is_refused(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    command = ["make", "--silent", "-C", str(LIBRARY_SOURCES), "wrong-architecture", f"DEST={folder}"]
    subprocess.run(command, check=True, capture_output=True)

    assert client.play("look", vddk=str(folder))["error"] == "WrongArchitectureError"

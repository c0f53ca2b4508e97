"""What a client gets for wrong input and for faults of the library: the right class, code and remedy."""

from __future__ import annotations

import pytest

from keepline_lab import VddkFault
from tests.simulated.vddk_bindings.client import Client, StartClient
from tests.waiting import wait_until

pytestmark = pytest.mark.simulated

OTHER_THUMBPRINT = ":".join(["AA"] * 20)


@pytest.mark.parametrize(
    ("changes", "error", "code", "hint"),
    [
        ({"password": "wrong"}, "AuthenticationError", "VIX-35", "password"),
        ({"cookie": "expired"}, "AuthenticationError", "VIX-3047", "Log in again"),
        ({"server": "other.test"}, "HostUnavailableError", "VIX-18000", "network"),
        ({"machine": "vm-none"}, "NotFoundError", "VIX-4000", "moved"),
        ({"snapshot": "snapshot-none"}, "NotFoundError", "VIX-13003", "deleted"),
        ({"thumbprint": OTHER_THUMBPRINT}, "VixError", "VIX-1", "thumbprint"),
        ({"path": "[store] web/none.vmdk"}, "DiskAccessError", "VIX-13", "disk belongs"),
        ({"snapshot": None}, "DiskAccessError", "VIX-13", "snapshot was named"),
        ({"modes": ["san"]}, "DiskAccessError", "VIX-13", "transport mode"),
    ],
)
def test_wrong_input_is_named(
    client: Client, changes: dict[str, object], error: str, code: str, hint: str
) -> None:
    result = client.play("look", **changes)

    assert (result["error"], result["code"]) == (error, code)
    assert hint in result["remedy"]
    assert client.task["password"] not in result["message"]


def test_wrong_thumbprint_is_explained_by_the_librarys_log(client: Client) -> None:
    log = client.play("look", thumbprint=OTHER_THUMBPRINT)["log"]

    assert any("Failed to verify SSL certificate" in line and "expected=AA:AA" in line for line in log)


def test_server_that_is_gone_is_worth_a_retry(client: Client) -> None:
    client.lab.stop()

    result = client.play("look")

    assert (result["error"], result["transient"]) == ("HostUnavailableError", True)


def test_too_many_handles_are_exhausted_host_memory(start_client: StartClient) -> None:
    client = start_client(handles_per_host=2)
    client.take_snapshot()

    result = client.play("copy", target="/dev/null")

    assert (result["error"], result["code"], result["transient"]) == ("OutOfMemoryError", "VIX-2", True)


def test_datastore_that_does_not_tell_allocated_blocks_is_unsupported(start_client: StartClient) -> None:
    client = start_client(tells_allocation=False)
    client.take_snapshot()

    result = client.play("copy_allocated", target="/dev/null", chunk=128)

    assert result["error"] == "UnsupportedOperationError"


def test_host_port_that_is_closed_is_named(client: Client) -> None:
    client.lab.control.add_vddk_fault(VddkFault("Open", "error:14009"))

    result = client.play("look")

    assert (result["error"], result["code"]) == ("HostUnavailableError", "VIX-14009")
    assert "902" in result["remedy"]


@pytest.mark.parametrize(("action", "code"), [("error:14011", "VIX-14011"), ("short", "VIX-1")])
def test_failed_read_is_an_error_and_the_handle_lives_on(client: Client, action: str, code: str) -> None:
    client.lab.control.add_vddk_fault(VddkFault("Read", action, nth=5))

    result = client.play("read_until_it_fails")

    assert (result["attempt"], result["code"]) == (5, code)


def test_failed_queued_read_is_reported_once(client: Client) -> None:
    client.lab.control.add_vddk_fault(VddkFault("ReadAsync", "error:14011", nth=2))

    assert client.play("read_asynchronously_until_it_fails")["numbers"] == [0, 0, 0, 14011]


def test_failed_close_ends_the_process_in_good_order(client: Client) -> None:
    client.lab.control.add_vddk_fault(VddkFault("Close", "error:36"))

    result = client.play("look")

    assert (result["error"], result["code"]) == ("HostUnavailableError", "VIX-36")
    wait_until(lambda: not client.lab.control.state().open_handles, "vCenter noticed the end of the process")


def test_killed_client_leaves_no_handle_open(client: Client) -> None:
    client.lab.control.add_vddk_fault(VddkFault("Read", "kill", nth=2))

    assert client.start("copy", target="/dev/null").returncode == -9
    assert client.play("look")["mode"] == "nbdssl"


def test_panic_of_the_library_is_on_standard_error(client: Client) -> None:
    client.lab.control.add_vddk_fault(VddkFault("Read", "abort"))

    process = client.start("read_until_it_fails")

    assert process.returncode == -6
    assert "VDDK panic: PANIC: fault planned for Read" in process.stderr


def test_session_buffers_over_the_limit_are_refused_before_the_library(client: Client) -> None:
    settings = {"vixDiskLib.nfcAio.Session.BufSizeIn64KB": 64, "vixDiskLib.nfcAio.Session.BufCount": 8}

    assert client.play("look", settings=settings)["error"] == "InvalidArgumentError"


def test_session_buffers_within_the_limit_are_accepted_by_the_library(client: Client) -> None:
    settings = {"vixDiskLib.nfcAio.Session.BufSizeIn64KB": 64, "vixDiskLib.nfcAio.Session.BufCount": 4}

    assert client.play("look", settings=settings)["mode"] == "nbdssl"

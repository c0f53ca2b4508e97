"""What a client gets for wrong input and for faults of the library: the right class, code and remedy."""

import pytest

from tests.simulated.vddk_bindings.conftest import Client


@pytest.mark.parametrize(
    ("changes", "error", "code", "hint"),
    [
        ({"password": "wrong"}, "AuthenticationError", "VIX-35", "password"),
        ({"cookie": "expired"}, "AuthenticationError", "VIX-3047", "Log in again"),
        ({"server": "other.test"}, "HostUnavailableError", "VIX-18000", "network"),
        ({"machine": "vm-1"}, "NotFoundError", "VIX-4000", "moved"),
        ({"snapshot": "snapshot-1"}, "NotFoundError", "VIX-13003", "deleted"),
        ({"thumbprint": ":".join(["AA"] * 20)}, "VixError", "VIX-1", "thumbprint"),
        ({"path": "[store] web/none.vmdk"}, "NotFoundError", "VIX-4", "deleted"),
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
    assert client.state.password not in result["message"]


def test_wrong_thumbprint_is_explained_by_the_librarys_log(client: Client) -> None:
    log = client.play("look", thumbprint=":".join(["AA"] * 20))["log"]

    assert any("actual thumbprint=5A:5A" in line and "expected=AA:AA" in line for line in log)


def test_unreachable_server_is_worth_a_retry(client: Client) -> None:
    client.configure("gate=127.0.0.1:1")

    result = client.play("look")

    assert (result["error"], result["transient"]) == ("HostUnavailableError", True)


def test_too_many_handles_are_exhausted_host_memory(client: Client) -> None:
    client.state.handle_limit = 2

    result = client.play("copy", target="/dev/null")

    assert (result["error"], result["code"], result["transient"]) == ("OutOfMemoryError", "VIX-2", True)


def test_datastore_that_does_not_tell_allocated_blocks_is_unsupported(client: Client) -> None:
    client.state.allocation_is_known = False

    assert (
        client.play("copy_allocated", target="/dev/null", chunk=128)["error"] == "UnsupportedOperationError"
    )


def test_host_port_that_is_closed_is_named(client: Client) -> None:
    client.configure("fault.1=Open action=error:14009")

    result = client.play("look")

    assert (result["error"], result["code"]) == ("HostUnavailableError", "VIX-14009")
    assert "902" in result["remedy"]


@pytest.mark.parametrize(("action", "code"), [("error:14011", "VIX-14011"), ("short", "VIX-1")])
def test_failed_read_is_an_error_and_the_handle_lives_on(client: Client, action: str, code: str) -> None:
    client.configure(f"fault.1=Read nth=5 action={action}")

    result = client.play("read_until_it_fails")

    assert (result["attempt"], result["code"]) == (5, code)


def test_failed_queued_read_is_reported_once(client: Client) -> None:
    client.configure("fault.1=ReadAsync nth=2 action=error:14011")

    assert client.play("read_asynchronously_until_it_fails")["numbers"] == [0, 0, 0, 14011]


def test_killed_client_leaves_no_handle_open(client: Client) -> None:
    client.configure("fault.1=Read nth=2 action=kill")

    assert client.start("copy", target="/dev/null").returncode == -9
    assert client.play("look")["mode"] == "nbdssl"


def test_panic_of_the_library_is_on_standard_error(client: Client) -> None:
    client.configure("fault.1=Read action=abort")

    process = client.start("read_until_it_fails")

    assert process.returncode == -6
    assert "VDDK panic: PANIC: fault planned for Read" in process.stderr


def test_session_buffers_over_the_limit_are_refused_before_the_library(client: Client) -> None:
    settings = {"vixDiskLib.nfcAio.Session.BufSizeIn64KB": 64, "vixDiskLib.nfcAio.Session.BufCount": 8}

    assert client.play("look", settings=settings)["error"] == "InvalidArgumentError"


def test_session_buffers_within_the_limit_are_accepted_by_the_library(client: Client) -> None:
    settings = {"vixDiskLib.nfcAio.Session.BufSizeIn64KB": 64, "vixDiskLib.nfcAio.Session.BufCount": 4}

    assert client.play("look", settings=settings)["mode"] == "nbdssl"

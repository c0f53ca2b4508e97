from __future__ import annotations

import pytest

from tests.simulated.vddk_simulator.conftest import Installation

pytestmark = pytest.mark.simulated

DIAGNOSES = {
    "call_before_init": "VixDiskLib_ListTransportModes: called before VixDiskLib_InitEx",
    "call_after_exit": "VixDiskLib_ConnectEx: called after VixDiskLib_Exit",
    "init_twice": "VixDiskLib_InitEx: called twice in one process",
    "exit_with_open_disk": "VixDiskLib_Exit: 1 disk(s) and 1 connection(s) are still open",
    "own_parameters": "is no connect parameters of this library",
    "cleared_parameters": "params->state was overwritten",
    "no_server": "params->serverName is NULL",
    "no_password": "creds.uid.password is NULL",
    "no_machine": "params->vmxSpec is NULL",
    "free_parameters_while_connected": "belong to a connection that is not disconnected yet",
    "change_borrowed_string": "params->serverName was freed or changed while connected",
    "free_parameters_twice": "connect parameters used after it was closed or freed",
    "read_after_close": "disk handle used after it was closed or freed",
    "open_after_disconnect": "connection used after it was closed or freed",
    "disconnect_with_open_disk": "1 disk(s) of this connection are still open",
    "handle_cut_to_32_bits": "is a pointer cut to 32 bits",
    "connection_as_handle": "is a connection, not a disk handle",
    "null_handle": "diskHandle is NULL",
    "null_buffer": "VixDiskLib_Read: buffer is NULL",
    "null_path": "VixDiskLib_Open: path is NULL",
    "free_information_twice": "disk information used after it was closed or freed",
    "free_text_of_another": "is no error text of this library",
    "fork_after_init": "was forked from",
    "call_from_log_function": "called from inside a callback",
    "call_from_completion": "called from inside a callback",
}


@pytest.mark.parametrize("scenario", DIAGNOSES)
def test_broken_rule_ends_the_process_with_its_name(installation: Installation, scenario: str) -> None:
    assert DIAGNOSES[scenario] in installation.run(f"misuse.{scenario}").diagnosis


def test_close_does_not_wait_for_asynchronous_requests(installation: Installation) -> None:
    installation.configure("latency_microseconds.nbdssl=500000")

    ended = installation.run("misuse.close_with_outstanding_request")

    assert "VixDiskLib_Close: 1 asynchronous request(s) are outstanding" in ended.diagnosis


def test_one_handle_serves_one_call_at_a_time(installation: Installation) -> None:
    installation.configure("latency_microseconds.nbdssl=5000000")

    assert (
        "overlaps VixDiskLib_Read on thread" in installation.run("misuse.two_reads_on_one_handle").diagnosis
    )


def test_open_calls_never_overlap(installation: Installation) -> None:
    installation.configure("fault.1=Open nth=2 action=hang:5000")

    assert (
        "connect, open and close calls need one lock" in installation.run("misuse.open_during_open").diagnosis
    )


@pytest.mark.parametrize(
    ("scenario", "diagnosis"),
    [
        ("open_on_another_thread", "was designated by VixDiskLib_ConnectEx"),
        ("query_on_another_thread", "VixDiskLib_QueryAllocatedBlocks: on thread"),
        ("init_on_another_thread", "not on the main thread"),
    ],
)
def test_strict_threads_binds_calls_to_the_designated_thread(
    installation: Installation, scenario: str, diagnosis: str
) -> None:
    installation.configure("strict_threads=0")
    assert installation.run(f"misuse.{scenario}").status == 0

    installation.configure("strict_threads=1")
    assert diagnosis in installation.run(f"misuse.{scenario}").diagnosis


def test_reading_beyond_the_information_of_version_6_is_a_segmentation_fault(
    installation: Installation,
) -> None:
    installation.configure(version="7.0.3")
    assert installation.run("misuse.read_beyond_old_information").output == "512\n"

    installation.configure(version="6.7.3")
    assert installation.run("misuse.read_beyond_old_information").status == -11

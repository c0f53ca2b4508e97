"""Answers to calls, right and wrong: log-in, transports, information, metadata, local disks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulated.vddk_simulator.conftest import Installation
from tests.simulated.vddk_simulator.fake_gate import PASSWORD, THUMBPRINT, USER, FakeGate

pytestmark = pytest.mark.simulated

DESCRIPTOR = '# Disk DescriptorFile\nversion=1\n\nddb.adapterType = "lsilogic"\nddb.toolsVersion = "11360"\n'


def result_of(installation: Installation, scenario: str, *arguments: str) -> dict[str, object]:
    result = installation.run(f"scenarios.{scenario}", *arguments).result
    assert isinstance(result, dict)
    return result


def test_whole_life_of_a_client(installation: Installation, gate: FakeGate) -> None:
    result = result_of(installation, "whole_life")

    assert result["errors"] == [0] * 7
    assert result["mode"] == "nbdssl"
    assert result["cleanup"] == [2, 1]
    assert gate.operations() == ["prepare", "connect", "open", "close", "end", "cleanup"]
    assert gate.fields_of("prepare")["identity"] == "keepline run 1"
    assert gate.fields_of("cleanup")["client"].startswith("/tmp/")


def test_server_is_asked_with_the_values_of_the_client(installation: Installation, gate: FakeGate) -> None:
    result_of(installation, "connect_and_open", "nbdssl:nbd")

    asked = gate.fields_of("connect")
    assert (asked["user"], asked["password"], asked["thumbprint"]) == (USER, PASSWORD, THUMBPRINT)
    assert (asked["server"], asked["port"], asked["vmx"]) == ("127.0.0.1", "443", "moref=vm-1")
    assert (asked["snapshot"], asked["read_only"], asked["modes"]) == ("snapshot-7", "1", "nbdssl:nbd")
    assert gate.fields_of("open")["path"] == "[fast disks] web 01/web 01.vmdk"


def test_wrong_values_give_the_documented_errors(installation: Installation) -> None:
    assert installation.run("scenarios.errors_of_connect").result == {
        "user": 35,
        "vmx": 4000,
        "credentials": 3,
        "kind": 6,
        "snapshot": 13003,
        "right": 0,
    }


def test_nobody_at_the_gate_is_a_host_that_cannot_be_reached(installation: Installation) -> None:
    (installation.folder / "lib64" / "lab.conf").write_text("gate=127.0.0.1:1\n")

    assert result_of(installation, "errors_of_connect")["right"] == 18000


def test_wrong_thumbprint_shows_at_open_only(installation: Installation) -> None:
    result = result_of(installation, "wrong_thumbprint")

    assert result["errors"] == [0, 1]
    expected = f"Failed to verify SSL certificate: actual thumbprint={THUMBPRINT} expected=00:11"
    assert any(expected in line for line in list_of(result["lines"]))


def list_of(value: object) -> list[str]:
    assert isinstance(value, list)
    return value


@pytest.mark.parametrize(
    ("available", "asked", "chosen"),
    [
        ("nbd:nbdssl", "san:hotadd:nbdssl:nbd", "nbdssl"),
        ("nbd:nbdssl", "nbd:nbdssl", "nbd"),
        ("nbd:nbdssl:hotadd:san", "hotadd:nbdssl", "hotadd"),
        ("nbd:san", "", "san"),
        ("nbd", "carrier-pigeon:nbd", "nbd"),
    ],
)
def test_first_possible_transport_of_the_list_is_used(
    installation: Installation, available: str, asked: str, chosen: str
) -> None:
    installation.configure(f"transports={available}")

    result = result_of(installation, "connect_and_open", asked)

    assert (result["errors"], result["mode"]) == ([0, 0], chosen)


def test_no_possible_transport_fails_at_open(installation: Installation) -> None:
    assert result_of(installation, "connect_and_open", "hotadd:san")["errors"] == [0, 13]


def test_mode_that_the_server_cannot_serve_makes_room_for_the_next(
    installation: Installation, gate: FakeGate
) -> None:
    installation.configure("transports=hotadd:nbdssl")
    gate.unsupported_modes = ("hotadd",)

    assert result_of(installation, "connect_and_open", "hotadd:nbdssl")["mode"] == "nbdssl"


def test_wrong_library_directory_leaves_only_network_transports(installation: Installation) -> None:
    installation.configure("transports=hotadd:nbd")

    result = result_of(installation, "wrong_directory")

    assert (result["errors"], result["mode"], result["modes"]) == ([0, 0, 0], "nbd", "file:nbd")
    assert any("Advanced transports not available" in line for line in list_of(result["lines"]))


@pytest.mark.parametrize(
    ("modes", "flags", "error"),
    [
        ("nbdssl", 4 | 16, 0),
        ("nbd", 4 | 64, 0),
        ("hotadd", 4 | 16, 3),
        ("nbd", 4 | 16 | 32, 3),
        ("nbd", 4 | 2048, 3),
    ],
)
def test_compression_is_for_the_network_and_one_kind_at_a_time(
    installation: Installation, modes: str, flags: int, error: int
) -> None:
    installation.configure("transports=nbd:nbdssl:hotadd")

    assert result_of(installation, "connect_and_open", modes, str(flags))["errors"] == [0, error]


@pytest.mark.parametrize(
    ("version", "interface", "error"),
    [
        ("8.0.3", (6, 5), 0),
        ("8.0.3", (8, 0), 0),
        ("8.0.3", (8, 1), 6),
        ("6.7.3", (7, 0), 6),
        ("9.0.1", (1, 0), 6),
    ],
)
def test_interface_newer_than_the_library_is_refused(
    installation: Installation, version: str, interface: tuple[int, int], error: int
) -> None:
    installation.configure(version=version)

    assert result_of(installation, "init", *map(str, interface))["error"] == error


def test_second_life_in_one_process_is_refused(installation: Installation) -> None:
    assert installation.run("scenarios.init_after_exit").result == [0, 16053]


def test_unknown_option_is_said_and_ignored(installation: Installation, tmp_path: Path) -> None:
    options = tmp_path / "options"
    options.write_text('tmpDirectory="/var/tmp/run-1"\nvixDiskLib.nfcAio.Session.BufSizeIn64K=16\n')

    result = result_of(installation, "init", "6", "5", str(options))

    assert result["error"] == 0
    assert any("BufSizeIn64K' ignored" in line for line in list_of(result["lines"]))


def test_missing_options_file_is_an_error(installation: Installation) -> None:
    assert result_of(installation, "init", "6", "5", "/nowhere")["error"] == 4


@pytest.mark.parametrize(("size", "version", "error"), [(64, "8.0.3", 0), (65, "8.0.3", 3), (65, "6.7.3", 0)])
def test_session_buffers_of_more_than_16_mib_fail_at_open(
    installation: Installation, tmp_path: Path, size: int, version: str, error: int
) -> None:
    installation.configure(version=version)
    options = tmp_path / "options"
    prefix = "vixDiskLib.nfcAio.Session"
    options.write_text(f"{prefix}.BufSizeIn64KB={size}\n{prefix}.BufCount=4\n")

    assert installation.run("scenarios.open_with_options", str(options)).result == [0, 0, error]


def test_transfers_stay_within_the_disk(installation: Installation) -> None:
    expected = {"none": 3, "beyond": 16007, "far": 16007, "wrapping": 16007, "last": 0, "write": 11}

    assert installation.run("scenarios.errors_of_transfers").result == expected


def test_native_4k_disk_wants_aligned_transfers(installation: Installation, gate: FakeGate) -> None:
    gate.sector_size = 4096

    assert result_of(installation, "unaligned_4k_sectors") == {"sizes": [4096, 4096], "errors": [0, 3, 3]}


def test_san_wants_aligned_buffers(installation: Installation) -> None:
    installation.configure("transports=san")

    assert installation.run("scenarios.unaligned_buffer").result == [0, 3]


def test_styles_of_transfer_do_not_mix_on_a_handle(installation: Installation) -> None:
    assert installation.run("scenarios.mixed_styles").result == [True, 26000, 0, 26000]


def test_information_is_that_of_the_server(installation: Installation, gate: FakeGate) -> None:
    gate.capacity = 100 << 20

    assert result_of(installation, "information") == {
        "capacity": 204800,
        "adapter": 3,
        "links": 2,
        "uuid": "60 00 C2 91",
        "parent": None,
        "geometry": [100, 64, 32],
    }


def test_metadata_is_read_in_two_calls_and_written(installation: Installation, gate: FakeGate) -> None:
    gate.descriptor.write_text(DESCRIPTOR)

    result = result_of(installation, "metadata")

    assert result == {
        "errors": [24, 0, 16052, 0, 0, 24, 0],
        "value": "11360",
        "keys": ["adapterType", "toolsVersion", "added", "", ""],
    }
    assert gate.descriptor.read_text() == DESCRIPTOR.replace("11360", "12") + 'ddb.added = "new value"\n'


def test_parameters_of_a_connection_are_a_copy(installation: Installation) -> None:
    assert installation.run("scenarios.connect_params").result == [0, "moref=vm-1", USER, 1]


def test_exit_tells_what_was_not_freed(installation: Installation) -> None:
    assert installation.run("scenarios.leaks").result == [
        "VixDiskLib: leaked: 1 x connect parameters",
        "VixDiskLib: leaked: 1 x disk information",
        "VixDiskLib: leaked: 1 x error text",
    ]


def test_error_texts_ignore_the_upper_bits(installation: Installation) -> None:
    text = "You do not have access rights to this file"

    assert installation.run("scenarios.error_texts", "13", str(7 << 16 | 13), "777").result == [
        text,
        text,
        "Error 777",
    ]


def test_disks_in_local_files(installation: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "local disks"
    folder.mkdir()

    result = result_of(installation, "local_disk", str(folder))

    refused = {"again": 12, "sparse": 6, "shrink": 6, "clone again": 12}
    errors = result.pop("errors")
    assert isinstance(errors, dict)
    assert {name: error for name, error in errors.items() if error} == refused
    assert result == {
        "mode": "file",
        "last": 100,
        "copied": True,
        "capacity": 8192,
        "files": ["third-flat.vmdk", "third.vmdk"],
        "space": 4096 * 512 + 65536,
    }


def test_disks_cannot_be_made_on_a_server(installation: Installation) -> None:
    assert installation.run("scenarios.create_on_server").result == 20


def test_events_are_logged_from_a_background_thread(installation: Installation) -> None:
    lines = list_of(result_of(installation, "whole_life")["lines"])

    event = "background: session opened [fast disks] web 01/web 01.vmdk (event 2, 12.5% of buffers in use)\n"
    assert f"VixDiskLib: {event}" in lines

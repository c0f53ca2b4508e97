"""The library against the simulated vCenter itself: the fake gate of the other tests tells the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from blake3 import blake3

from keepline_lab import Lab, LibraryBehaviour, Machine, Simulators, VcenterSettings
from keepline_lab.library import VddkFault
from keepline_lab.machines import Disk
from tests.simulated.vddk_simulator.conftest import Ended, Values, run_client

pytestmark = pytest.mark.simulated

Change = Callable[[Values], Values]

SIZE = 4 << 20
MACHINES = (Machine("web 01", (Disk(size=SIZE),)), Machine("off", (Disk(size=SIZE),), power="off"))


@pytest.fixture(scope="module")
def lab(simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    behaviour = LibraryBehaviour(transports=("nbdssl", "nbd", "hotadd"))
    folder = tmp_path_factory.mktemp("laboratory") / "lab"
    settings = VcenterSettings(nfc_handles_per_host=4)
    with Lab.start(
        folder, MACHINES, settings=settings, behaviour=behaviour, simulators=simulators
    ) as running:
        yield running


def values_of(lab: Lab, machine: str, snapshot: str) -> Values:
    """What a client of the machine's first disk passes to the library."""
    address = lab.address
    disk = lab.control.machine(machine).disks[0]
    files = [one.files[disk.key] for one in lab.control.state().snapshots if one.moref == snapshot]
    name = files[0] if files else disk.file
    return Values(
        folder=lab.vddk_folder,
        user=address.user,
        password=address.password,
        thumbprint=address.thumbprint_sha1,
        snapshot=snapshot,
        path=name,
        server=address.host,
        port=address.port,
        machine=address.machine(machine).reference,
    )


@pytest.fixture
def frozen(lab: Lab) -> Iterator[Values]:
    """A client of a snapshot of the running machine."""
    lab.control.write("web 01", 0, 65536 * 3, b"before" * 1000)
    snapshot = lab.control.create_snapshot("web 01")
    yield values_of(lab, "web 01", snapshot)
    run_client(values_of(lab, "web 01", ""), "scenarios.clean_up")
    lab.control.remove_snapshot("web 01", snapshot)


def digest_read(ended: Ended) -> object:
    result = ended.result
    assert isinstance(result, dict)
    return result["digest"]


def test_disk_reads_as_it_was_when_the_snapshot_was_made(lab: Lab, frozen: Values) -> None:
    before = lab.disk_bytes("web 01")
    lab.control.write("web 01", 0, 65536 * 3 + 100, b"after " * 20000)

    assert digest_read(run_client(frozen, "scenarios.whole_disk", "2048")) == blake3(before).hexdigest()
    assert lab.frozen_bytes(frozen.snapshot, "web 01") == before


def test_allocated_blocks_are_those_of_the_snapshot(lab: Lab, frozen: Values) -> None:
    lab.control.write("web 01", 0, 65536 * 40, b"after")

    [[error, blocks]] = list_of(run_client(frozen, "scenarios.blocks", "0", "8192", "128").result)

    assert error == 0
    assert covers(list_of(blocks), sector=3 * 128)
    assert not covers(list_of(blocks), sector=40 * 128)


def list_of(value: object) -> list[list[int]]:
    assert isinstance(value, list)
    return value


def covers(blocks: list[list[int]], sector: int) -> bool:
    return any(start <= sector < start + length for start, length in blocks)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda right: replace(right, password="wrong"), 35),
        (lambda right: replace(right, machine="vm-99999"), 4000),
        (lambda right: replace(right, snapshot="snapshot-99999"), 13003),
        (lambda right: replace(right, server="192.0.2.1"), 18000),
    ],
)
def test_wrong_values_are_refused_by_the_server(frozen: Values, change: Change, error: int) -> None:
    assert run_client(change(frozen), "scenarios.connect_only").result == error


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda right: replace(right, thumbprint="00:11"), 1),
        (lambda right: replace(right, path="[x] y.vmdk"), 13),
        (lambda right: replace(right, snapshot=""), 13),
    ],
)
def test_wrong_disk_or_thumbprint_is_refused_at_open(frozen: Values, change: Change, error: int) -> None:
    assert run_client(change(frozen), "scenarios.open_many", "1").result == [error]


def test_handles_of_a_host_are_limited(frozen: Values) -> None:
    assert run_client(frozen, "scenarios.open_many", "5").result == [0, 0, 0, 0, 2]


def test_access_is_held_by_one_identity(lab: Lab, frozen: Values) -> None:
    assert run_client(frozen, "scenarios.prepare", "keepline one", "keepline two").result == [0, 31]

    lab.control.release("web 01")


def test_hot_added_disk_of_a_dead_client_stays_until_cleanup(frozen: Values) -> None:
    assert run_client(frozen, "scenarios.die_holding_a_disk").status == 0

    assert run_client(frozen, "scenarios.clean_up").result == [0, 1, 0]
    assert run_client(frozen, "scenarios.clean_up").result == [0, 0, 0]


def test_disk_of_a_machine_that_is_off_is_written(lab: Lab) -> None:
    values = values_of(lab, "off", "")

    assert run_client(values, "scenarios.write_whole", "9").result == {"errors": [0, 0, 0, 0], "same": True}
    assert lab.disk_bytes("off") == bytes([9]) * SIZE


def test_disk_of_a_running_machine_is_not_written(lab: Lab) -> None:
    assert run_client(values_of(lab, "web 01", ""), "scenarios.write_whole", "9").result == {
        "errors": [0, 13]
    }


def test_fault_set_through_the_control_channel_fires(lab: Lab, frozen: Values) -> None:
    lab.control.add_vddk_fault(VddkFault("Open", "error:14009", nth=2, path=frozen.path))

    assert run_client(frozen, "scenarios.open_many", "3").result == [0, 14009, 0]
    lab.control.clear_faults()

"""What is read and written: frozen disks, running disks, allocated blocks."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from blake3 import blake3

from tests.simulated.vddk_simulator.conftest import Installation
from tests.simulated.vddk_simulator.fake_gate import CELL, FakeGate

pytestmark = pytest.mark.simulated

Fill = Callable[[dict[int, int]], bytes]


def digest(content: bytes) -> str:
    return blake3(content).hexdigest()


def save(gate: FakeGate, cells: dict[int, int]) -> None:
    """Play the guest's write: these old cells were saved (0 = the old cell was a hole)."""
    with gate.cow.open("wb") as cow, gate.map.open("wb") as saved:
        cow.truncate(gate.capacity)
        for cell, value in cells.items():
            if value:
                cow.seek(cell * CELL)
                cow.write(bytes([value]) * CELL)
            saved.seek(cell)
            saved.write(b"\1")


def read_whole(installation: Installation, sectors: int) -> str:
    result = installation.run("scenarios.whole_disk", str(sectors)).result
    assert isinstance(result, dict)
    return str(result["digest"])


@pytest.mark.parametrize("sectors", [1000, 128, 2048])
def test_disk_without_later_writes_is_read_from_flat(
    installation: Installation, fill: Fill, sectors: int
) -> None:
    content = fill({0: 1, 3: 2, 15: 3})

    assert read_whole(installation, sectors) == digest(content)


@pytest.mark.parametrize("sectors", [1, 100, 2048])
def test_saved_cells_come_before_those_of_flat(
    installation: Installation, gate: FakeGate, fill: Fill, sectors: int
) -> None:
    gate.capacity = 5 * CELL if sectors == 1 else gate.capacity
    content = bytearray(fill({0: 1, 1: 2, 2: 3, 4: 5}))
    save(gate, {1: 9, 2: 8, 4: 0})
    for cell, value in {1: 9, 2: 8, 4: 0}.items():
        content[cell * CELL : (cell + 1) * CELL] = bytes([value]) * CELL

    assert read_whole(installation, sectors) == digest(bytes(content))


def test_flat_that_is_shorter_than_the_disk_ends_in_zeros(
    installation: Installation, gate: FakeGate, fill: Fill
) -> None:
    content = fill({0: 1})
    os.truncate(gate.flat, 1000)

    assert read_whole(installation, 256) == digest(content[:1000].ljust(gate.capacity, b"\0"))


def test_disk_of_a_frozen_snapshot_keeps_its_capacity_when_flat_grows(
    installation: Installation, gate: FakeGate, fill: Fill
) -> None:
    content = fill({0: 1})
    with gate.flat.open("ab") as flat:
        flat.write(bytes([7]) * CELL)

    assert read_whole(installation, 2048) == digest(content)


def test_write_saves_the_old_cell_before_it_overwrites(
    installation: Installation, gate: FakeGate, fill: Fill
) -> None:
    installation.configure("transports=hotadd")
    before = fill({0: 1, 1: 2})
    scenario = installation.run("scenarios.connect_and_open", "hotadd", "0")
    assert scenario.status == 0

    installation.configure("transports=nbdssl")
    assert installation.run("scenarios.write_and_read", "120", "7", "16").result == {
        "errors": [0, 0],
        "same": True,
    }

    assert gate.map.read_bytes() == b"\1\1"
    assert gate.cow.read_bytes() == before[: 2 * CELL]
    assert gate.flat.read_bytes()[120 * 512 : 136 * 512] == bytes([7]) * 8192


@pytest.mark.parametrize("writes", ["", "6"])
def test_asynchronous_requests_are_all_answered_from_foreign_threads(
    installation: Installation, gate: FakeGate, fill: Fill, writes: str
) -> None:
    content = fill({0: 1, 5: 2, 15: 3})
    written = bytes([6]) * gate.capacity

    result = installation.run("scenarios.asynchronous", "16", *([writes] if writes else [])).result

    assert isinstance(result, dict)
    assert result.pop("in_order") is False
    assert result == {
        "queued": [25000],
        "waited": 0,
        "results": [0],
        "complete": True,
        "foreign": True,
        "digest": digest(written if writes else content),
    }
    assert gate.flat.read_bytes() == (written if writes else content)


def test_allocated_blocks_are_the_data_of_flat_except_saved_cells(
    installation: Installation, gate: FakeGate, fill: Fill
) -> None:
    fill({0: 1, 1: 1, 4: 2, 8: 3, 9: 4})
    save(gate, {4: 0, 6: 7, 8: 9})

    result = installation.run("scenarios.blocks", "0", "2048", "128").result

    assert result == [[0, [[0, 256], [768, 128], [1024, 256]]]]


def test_allocated_blocks_of_larger_chunks_cover_the_data(installation: Installation, fill: Fill) -> None:
    fill({3: 1})

    asked = ["0", "2048", "512", "512", "1024", "512"]

    assert installation.run("scenarios.blocks", *asked).result == [[0, [[0, 512]]], [0, []]]


def test_limits_of_the_query_for_allocated_blocks(installation: Installation, gate: FakeGate) -> None:
    gate.capacity = 40 << 30
    wrong = {
        "0 128 64": 3,
        "1 128 128": 3,
        "0 129 128": 3,
        "0 0 128": 3,
        "0 67108992 128": 3,
        "83886080 128 128": 16007,
    }

    result = installation.run("scenarios.blocks", *" ".join([*wrong, "0 67108864 128"]).split()).result

    assert result == [[error, []] for error in [*wrong.values(), 0]]


def test_datastore_may_not_tell_allocated_blocks(
    installation: Installation, gate: FakeGate, fill: Fill
) -> None:
    gate.tells_allocation = False
    fill({0: 1})

    assert installation.run("scenarios.blocks", "0", "128", "128").result == [[6, []]]

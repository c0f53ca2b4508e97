"""Random disks against a model in Python; the seed is the test's parameter."""

from __future__ import annotations

import os
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from blake3 import blake3

from tests.simulated.vddk_simulator.conftest import Installation
from tests.simulated.vddk_simulator.fake_gate import CELL, FakeGate

pytestmark = pytest.mark.simulated

CELLS = 24
BUSY_CELLS = 1024
SECTORS_IN_CELL = CELL // 512


@dataclass(frozen=True)
class Model:
    """A frozen disk: what a client must read."""

    content: bytes

    def digest(self, start: int, count: int) -> str:
        return blake3(self.content[start * 512 : (start + count) * 512]).hexdigest()

    def chunk_is_zero(self, start: int, count: int) -> bool:
        return not any(self.content[start * 512 : (start + count) * 512])


def make_disk(gate: FakeGate, source: random.Random) -> Model:
    """Fill some cells of -flat, some in part; save some of them or of the holes."""
    gate.capacity = CELLS * CELL - source.choice([0, 512, 40 * 512])
    content = bytearray(CELLS * CELL)
    flat, cow = os.open(gate.flat, os.O_RDWR), os.open(gate.cow, os.O_RDWR | os.O_CREAT)
    saved = bytearray(source.randint(0, CELLS))
    for cell in range(CELLS):
        piece = source.randbytes(source.choice([0, 4096, 30000, CELL]))
        if piece:
            os.pwrite(flat, piece, cell * CELL)
        if cell < len(saved) and source.random() < 0.4:
            saved[cell] = 1
            piece = source.randbytes(source.choice([0, CELL]))
            os.pwrite(cow, piece, cell * CELL)
        content[cell * CELL : cell * CELL + len(piece)] = piece
    gate.map.write_bytes(saved)
    os.close(flat)
    os.close(cow)
    return Model(bytes(content[: gate.capacity]))


@pytest.mark.parametrize("seed", range(8))
def test_any_range_of_a_frozen_disk_reads_as_in_the_model(
    installation: Installation, gate: FakeGate, seed: int
) -> None:
    source = random.Random(seed)
    model = make_disk(gate, source)
    sectors = gate.capacity // 512
    starts = [source.randrange(sectors) for _ in range(60)]
    asked = [(start, source.randint(1, min(2000, sectors - start))) for start in starts]

    answers = installation.run("scenarios.ranges", *(str(number) for pair in asked for number in pair)).result

    assert answers == [[0, model.digest(start, count)] for start, count in asked]


@pytest.mark.parametrize("chunk", [128, 192, 1024])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_not_allocated_reads_as_zeros(
    installation: Installation, gate: FakeGate, seed: int, chunk: int
) -> None:
    model = make_disk(gate, random.Random(seed))
    chunks = gate.capacity // 512 // chunk

    [[error, blocks]] = as_list(
        installation.run("scenarios.blocks", "0", str(chunks * chunk), str(chunk)).result
    )

    allocated = {sector for start, length in blocks for sector in range(start, start + length, chunk)}
    assert error == 0
    assert all(start % chunk == 0 and length % chunk == 0 for start, length in blocks)
    assert all(
        model.chunk_is_zero(start, chunk)
        for start in range(0, chunks * chunk, chunk)
        if start not in allocated
    )
    # Not everything: a hole in -flat and in .cow is known as one.
    assert len(allocated) < chunks or chunk > SECTORS_IN_CELL


def as_list(value: object) -> list[tuple[int, list[tuple[int, int]]]]:
    assert isinstance(value, list)
    return value


def overwrite(gate: FakeGate, ready: Path, done: Path) -> None:
    """Play a busy guest once the reader is ready: save a cell's old bytes, mark it, overwrite it."""
    while not ready.exists():
        time.sleep(0.01)
    flat, cow, saved = (os.open(path, os.O_RDWR | os.O_CREAT) for path in (gate.flat, gate.cow, gate.map))
    try:
        for cell in random.Random(2).sample(range(BUSY_CELLS), BUSY_CELLS):
            os.pwrite(cow, os.pread(flat, CELL, cell * CELL), cell * CELL)
            os.pwrite(saved, b"\1", cell)
            os.pwrite(flat, bytes(CELL), cell * CELL)
    finally:
        for descriptor in (flat, cow, saved):
            os.close(descriptor)
        done.touch()


def test_busy_guest_never_shows_in_a_frozen_disk(
    installation: Installation, gate: FakeGate, tmp_path: Path
) -> None:
    # As large as it takes to catch a library that looks at the map before it reads -flat.
    gate.capacity = BUSY_CELLS * CELL
    content = random.Random(1).randbytes(gate.capacity)
    gate.flat.write_bytes(content)
    ready, done = tmp_path / "ready", tmp_path / "done"
    guest = threading.Thread(target=overwrite, args=(gate, ready, done))
    guest.start()

    try:
        differing = installation.run("scenarios.differing_reads", str(ready), str(done)).result
    finally:
        ready.touch()  # so that the guest ends too when the client did not get that far
        guest.join()

    assert differing == 0
    assert gate.flat.read_bytes() == bytes(gate.capacity)

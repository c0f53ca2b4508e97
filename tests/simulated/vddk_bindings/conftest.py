"""A laboratory with one machine and its snapshot, and processes that use it through the bindings alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from keepline_lab import Datastore, Disk, LibraryBehaviour, Machine, VcenterSettings
from keepline_lab.laboratories import StartLab
from tests.simulated.vddk_bindings.client import Client, StartClient

CAPACITY = 5 * 2**20 + 37 * 512
WRITTEN_RANGES = ((0, 300_000), (2**21 + 512, 700_000), (CAPACITY - 512, 512))


@pytest.fixture(scope="session")
def disk_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk with data at its beginning, in the middle and in its last, short chunk; the rest are holes."""
    path = tmp_path_factory.mktemp("image") / "disk.img"
    with path.open("wb") as file:
        file.truncate(CAPACITY)
        for offset, length in WRITTEN_RANGES:
            file.seek(offset)
            file.write(random.Random(offset).randbytes(length))
    return path


@pytest.fixture
def start_client(laboratory: StartLab, disk_image: Path, tmp_path: Path) -> StartClient:
    """Start laboratories of one machine; its disk went on changing after its snapshot."""

    def start(
        version: str = "8.0.3",
        transports: tuple[str, ...] = ("nbdssl", "nbd"),
        *,
        sector_size: int = 512,
        tells_allocation: bool = True,
        handles_per_host: int = 16,
        power: str = "on",
    ) -> Client:
        disk = Disk(image=disk_image, sector_size=sector_size, datastore="store", thin=True)
        settings = VcenterSettings(
            nfc_handles_per_host=handles_per_host,
            datastores=(Datastore("store", allocated_supported=tells_allocation),),
        )
        behaviour = LibraryBehaviour(version=version, transports=transports)
        machine = Machine("web", (disk,), power=power)
        return Client(laboratory(machine, settings=settings, behaviour=behaviour), tmp_path / "scratch")

    return start


@pytest.fixture
def client(start_client: StartClient) -> Client:
    """A client of the usual laboratory, with a snapshot; the guest has written since."""
    client = start_client()
    client.take_snapshot()
    return client

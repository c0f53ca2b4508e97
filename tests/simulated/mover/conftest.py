"""What tests of movers start from."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.clock import SystemClock
from appliance.dispatch import LocalMoverPool, MoverLimits
from appliance.model.units import KIB, MIB
from keepline_lab import LibraryBehaviour, Machine
from keepline_lab.lab import DEFAULT_BEHAVIOUR
from keepline_lab.laboratories import StartLab
from tests.simulated.mover.workplace import Workplace, workplace_for

LIMITS = MoverLimits(stall_seconds=60, prepare_seconds=60, grace_seconds=10)
CONTENT = b"".join(
    (
        random.Random(1).randbytes(3 * MIB),
        bytes(5 * MIB),
        b"compressible " * 100_000,
        bytes(10 * MIB),
        random.Random(2).randbytes(2 * MIB + 100 * KIB),
    )
)
CONTENT = CONTENT.ljust(24 * MIB + 512, b"\0")[: 24 * MIB + 512]

MakeWorkplace = Callable[..., Workplace]


@pytest.fixture
def pool() -> LocalMoverPool:
    return LocalMoverPool(2, sys.executable, SystemClock(), LIMITS)


@pytest.fixture
def workplace_with(laboratory: StartLab, tmp_path: Path, pool: LocalMoverPool) -> MakeWorkplace:
    """Make the workplace of a test: with a content, a VDDK behaviour, and further machines."""

    def make(
        *others: Machine, content: bytes = CONTENT, behaviour: LibraryBehaviour = DEFAULT_BEHAVIOUR
    ) -> Workplace:
        return workplace_for(laboratory, tmp_path, content, pool, behaviour, *others)

    return make


@pytest.fixture
def full_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 3 MiB: a file system of its own, which only root may mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def workplace(workplace_with: MakeWorkplace) -> Workplace:
    return workplace_with()

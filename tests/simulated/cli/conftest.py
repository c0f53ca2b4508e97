from __future__ import annotations

from pathlib import Path

import pytest

from keepline_lab import Disk, LibraryBehaviour, Machine
from keepline_lab.laboratories import StartLab
from tests.simulated.cli.shell import Shell

MIB = 1 << 20


@pytest.fixture
def shell(laboratory: StartLab, tmp_path: Path) -> Shell:
    """A shell on a new machine with Keepline, beside a laboratory with one machine of 8 MiB written bytes.

    Each connection moves 2 MiB a second, so that a backup takes about a second and can be met at work.
    """
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(range(256)) * (8 * MIB // 256))
    behaviour = LibraryBehaviour(bytes_per_second={"nbdssl": 2 * MIB})
    lab = laboratory(Machine("web-01", (Disk(image=image),)), behaviour=behaviour)
    return Shell(lab, tmp_path)

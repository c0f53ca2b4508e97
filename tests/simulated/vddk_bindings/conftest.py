"""A laboratory for the bindings alone: the simulated library, a gate, one machine with one disk."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any  # JSON in, JSON out

import pytest

from tests.simulated.vddk_bindings.gate import GateState, running_gate

PROJECT = Path(__file__).parents[3]
LIBRARY_SOURCES = PROJECT / "tests" / "simulators" / "vddk"
SCENARIOS = Path(__file__).with_name("scenarios.py")
CAPACITY = 5 * 2**20 + 37 * 512
DISK_PATH = "[store] web/web.vmdk"
THUMBPRINT = ":".join(["5A"] * 20)

Document = dict[str, Any]


@dataclass
class Client:
    """Plays scenarios against one laboratory; `task` is what a client knows."""

    folder: Path
    state: GateState
    disk_file: Path
    task: Document = field(default_factory=dict)

    def play(self, scenario: str, **changes: object) -> Document:
        """Return what `scenario` printed; it has to end well."""
        process = self.start(scenario, **changes)
        assert process.returncode == 0, process.stderr
        document: Document = json.loads(process.stdout)
        return document

    def start(self, scenario: str, **changes: object) -> subprocess.CompletedProcess[str]:
        """Run `scenario` in a process as VDDK wants it, however it ends."""
        environment = os.environ | {
            "LD_LIBRARY_PATH": str(self.folder / "vddk" / "lib64"),
            "PYTHONPATH": str(PROJECT),
        }
        return subprocess.run(
            [sys.executable, SCENARIOS, scenario],
            env=environment,
            input=json.dumps(self.task | changes),
            capture_output=True,
            text=True,
            check=False,
        )

    def configure(self, *lines: str) -> None:
        """Add lines to lab.conf."""
        with (self.folder / "vddk" / "lib64" / "lab.conf").open("a") as file:
            file.writelines(f"{line}\n" for line in lines)


def make_library(folder: Path, version: str) -> None:
    command = [
        "make",
        "--silent",
        "-C",
        str(LIBRARY_SOURCES),
        "install-lab",
        f"VERSION={version}",
        f"DEST={folder}",
    ]
    subprocess.run(command, check=True, capture_output=True)


def make_disk(folder: Path) -> Path:
    """A disk with data at its beginning, in the middle and in its last, short chunk; the rest are holes."""
    flat = folder / "web-flat.vmdk"
    with flat.open("wb") as file:
        file.truncate(CAPACITY)
        for offset, length in ((0, 300_000), (2**21 + 512, 700_000), (CAPACITY - 512, 512)):
            file.seek(offset)
            file.write(random.Random(offset).randbytes(length))
    (folder / "web.vmdk").write_text(
        f'# Disk DescriptorFile\nversion=1\nRW {CAPACITY // 512} VMFS "web-flat.vmdk"\n'
        'ddb.adapterType = "lsilogic"\nddb.uuid = "60 00 C2 9a"\n'
    )
    return flat


@contextmanager
def laboratory(folder: Path, version: str = "8.0.3", transports: str = "nbdssl:nbd") -> Iterator[Client]:
    """A laboratory of its own in `folder`, as strict as it can be."""
    make_library(folder / "vddk", version)
    flat = make_disk(folder)
    state = GateState(
        "vcenter.test",
        "user@vsphere.local",
        "pässword %",
        "cookie",
        THUMBPRINT,
        "vm-42",
        "snapshot-7",
        {DISK_PATH: flat},
        CAPACITY,
    )
    scratch = folder / "scratch"
    scratch.mkdir()
    client = Client(
        folder,
        state,
        flat,
        {
            "vddk": str(folder / "vddk"),
            "scratch": str(scratch),
            "server": state.server,
            "port": 443,
            "user": state.user,
            "password": state.password,
            "thumbprint": THUMBPRINT,
            "machine": state.machine,
            "snapshot": state.snapshot,
            "path": DISK_PATH,
        },
    )
    with running_gate(state) as address:
        client.configure(f"gate={address}", f"version={version}", f"transports={transports}")
        client.configure("strict_threads=1", "strict_libraries=1", "strict_loader=1")
        yield client


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with laboratory(tmp_path) as client:
        yield client

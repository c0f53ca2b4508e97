"""A client of VDDK in a laboratory: what it knows, and how its processes are started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol  # JSON in, JSON out

from keepline_lab import Lab

PROJECT = Path(__file__).parents[3]
SCENARIOS = Path(__file__).with_name("scenarios.py")
MACHINE = "web"

Document = dict[str, Any]


class StartClient(Protocol):
    """The type of the fixture `start_client`."""

    def __call__(
        self,
        version: str = "8.0.3",
        transports: tuple[str, ...] = ("nbdssl", "nbd"),
        *,
        sector_size: int = 512,
        tells_allocation: bool = True,
        handles_per_host: int = 16,
        power: str = "on",
    ) -> Client: ...


class Client:
    """Plays scenarios against one laboratory; `task` is what its processes are told."""

    def __init__(self, lab: Lab, scratch: Path) -> None:
        scratch.mkdir()
        self.lab = lab
        address = lab.address
        self.task: Document = {
            "vddk": str(lab.vddk_folder),
            "scratch": str(scratch),
            "server": address.host,
            "port": address.port,
            "user": address.user,
            "password": address.password,
            "thumbprint": address.thumbprint_sha1,
            "machine": address.machine(MACHINE).reference,
            "path": lab.control.machine(MACHINE).disks[0].file,
        }
        self._make_strictest()

    @property
    def disk_file(self) -> Path:
        """The file with the bytes that the disk has now."""
        return self.lab.disk_file(MACHINE)

    def take_snapshot(self) -> None:
        """Make a snapshot that the scenarios use from now on, and let the guest write after it."""
        moref = self.lab.control.create_snapshot(MACHINE)
        (snapshot,) = (one for one in self.lab.control.state().snapshots if one.moref == moref)
        self.task |= {"snapshot": moref, "path": next(iter(snapshot.files.values()))}
        for offset in (0, 2**20 + 4096, 4 * 2**20):
            self.lab.control.write_random(MACHINE, 0, offset, 100_000, seed=offset)

    def play(self, scenario: str, **changes: object) -> Document:
        """Return what `scenario` printed; it has to end well."""
        process = self.start(scenario, **changes)
        assert process.returncode == 0, process.stderr
        document: Document = json.loads(process.stdout)
        return document

    def start(self, scenario: str, **changes: object) -> subprocess.CompletedProcess[str]:
        """Run `scenario` in a process as VDDK wants it, however it ends."""
        library_path = {"LD_LIBRARY_PATH": str(self.lab.vddk_folder / "lib64"), "PYTHONPATH": str(PROJECT)}
        return subprocess.run(
            [sys.executable, SCENARIOS, scenario],
            env=os.environ | library_path,
            input=json.dumps(self.task | changes),
            capture_output=True,
            text=True,
            check=False,
        )

    def _make_strictest(self) -> None:
        with (self.lab.vddk_folder / "lib64" / "lab.conf").open("a") as file:
            file.write("strict_libraries=1\nstrict_loader=1\n")

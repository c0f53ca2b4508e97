"""Keepline, driven by its command line over the benchmark's disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any  # JSON documents of command lines

from pyarrow import parquet

from keepline_lab import Lab

KEEPLINE = Path(sys.executable).with_name("keepline")
MACHINE = "bench"
LEVEL = "1"


def folder_size(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@dataclass(frozen=True, slots=True)
class KeeplineRun:
    """One finished run: seconds from claim to end, and its result document."""

    seconds: float
    result: dict[str, Any]

    @property
    def mover_peak(self) -> int:
        """The largest peak of anonymous memory of the run's movers."""
        return max(int(disk["mover_peak_anonymous_memory"]) for disk in self.result["disks"])


class Keepline:
    """A state folder and a repository of its own."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.repository = folder / "repository"
        self.repository.mkdir(parents=True)
        self._environment = os.environ | {
            "KEEPLINE_STATE_FOLDER": str(folder / "state"),
            "KEEPLINE_VDDK_FOLDER": str(lab.vddk_folder),
            "KEEPLINE_COMPRESSION_LEVEL": LEVEL,
            "KEEPLINE_TRANSPORT_MODES": "nbdssl",
        }
        address = lab.address
        self._command("init", str(self.repository))
        self._command(
            "vcenter", "add", address.host, "--port", str(address.port), "--user", address.user,
            "--thumbprint", address.thumbprint_sha256, "--password-file", "-", password=address.password,
        )  # fmt: skip

    def back_up(self) -> KeeplineRun:
        """Back the machine up."""
        return self._run(self._command("backup", MACHINE)["runs"][0])

    def restore(self, point: str, target: Path) -> KeeplineRun:
        """Restore the machine's disk to a raw file, which is new."""
        target.unlink(missing_ok=True)
        document = self._command(
            "restore", "disk", point, "Hard disk 1", "--to", str(target), "--format", "raw"
        )
        return self._run(document.get("run", document))

    def stored(self) -> int:
        """What the repository's segments hold."""
        return folder_size(self.repository / "segments")

    def map_bytes(self) -> int:
        """What the block maps take."""
        return folder_size(self.repository / "maps")

    def _command(self, *arguments: str, password: str | None = None) -> dict[str, Any]:
        ended = subprocess.run(
            [str(KEEPLINE), *arguments, "--json"],
            env=self._environment, input=password, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ended.returncode:
            raise RuntimeError(f"keepline {' '.join(arguments)}: {ended.stdout}{ended.stderr}")
        document: dict[str, Any] = json.loads(ended.stdout)
        return document

    @staticmethod
    def _run(run: dict[str, Any]) -> KeeplineRun:
        begun, ended = (datetime.fromisoformat(run[name]) for name in ("started_at", "ended_at"))
        return KeeplineRun((ended - begun).total_seconds(), run["result"])


def warm(*paths: Path) -> None:
    """Bring files into the page cache."""
    for path in paths:
        with path.open("rb", buffering=0) as file:
            content = bytearray(1 << 24)
            while file.readinto(content):
                pass


def warm_below(folder: Path) -> None:
    """Bring a repository into the page cache, past which Keepline writes its segments."""
    warm(*(path for path in folder.rglob("*") if path.is_file()))


def rows_below(folder: Path) -> int:
    """The rows of all block maps."""
    return sum(parquet.read_metadata(path).num_rows for path in folder.rglob("*.parquet"))

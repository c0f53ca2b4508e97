"""Keepline, restic and nbdcopy, each driven by its command line over the benchmark's disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any  # JSON documents of command lines

from keepline_lab import Lab

KEEPLINE = Path(sys.executable).with_name("keepline")
LIMIT = Path(__file__).with_name("limit.py")
MACHINE = "bench"
LEVEL = "1"


def folder_size(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def timed(command: list[str], environment: dict[str, str] | None = None) -> float:
    """The seconds a command takes; it must succeed."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | (environment or {}))
    return time.perf_counter() - begun


@dataclass(frozen=True, slots=True)
class KeeplineRun:
    """One finished run: seconds from claim to end, and its result document."""

    seconds: float
    result: dict[str, Any]


class Keepline:
    """A state folder and a repository of its own."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        shutil.rmtree(folder, ignore_errors=True)
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


class Restic:
    """A restic repository of its own; its cache is warm after the first backup."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.repository = folder / "repository"
        self._input = folder / "input"
        self._input.mkdir(parents=True)
        self._environment = {
            "RESTIC_PASSWORD": "bench",
            "RESTIC_REPOSITORY": str(self.repository),
            "RESTIC_CACHE_DIR": str(folder / "cache"),
        }
        timed(["restic", "init"], self._environment)

    def back_up(self, image: Path) -> float:
        """Back up the disk, always under the same name."""
        name = self._input / "disk.raw"
        name.unlink(missing_ok=True)
        name.hardlink_to(image)
        return timed(["restic", "backup", "-q", str(name)], self._environment)

    def restore(self, target: Path) -> float:
        """Restore the newest snapshot."""
        shutil.rmtree(target, ignore_errors=True)
        seconds = timed(["restic", "restore", "latest", "--target", str(target)], self._environment)
        shutil.rmtree(target)
        return seconds

    def stored(self) -> int:
        """What the repository's packs hold."""
        return folder_size(self.repository / "data")


def nbdcopy(image: Path, target: Path) -> float:
    """Copy the raw disk by nbdkit and nbdcopy, flushed to the disk."""
    target.unlink(missing_ok=True)
    seconds = timed(
        [
            "nbdcopy",
            "--flush",
            "--",
            "[",
            "nbdkit",
            "--exit-with-parent",
            "file",
            str(image),
            "]",
            str(target),
        ]
    )
    target.unlink()
    return seconds


def limit(image: Path) -> float:
    """Two processes that zero-test, digest and compress the disk and drop the result."""
    ended = subprocess.run(
        [sys.executable, str(LIMIT), str(image), LEVEL], check=True, capture_output=True, text=True
    )
    return float(ended.stdout)


def warm(path: Path) -> None:
    """Bring a file into the page cache."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass

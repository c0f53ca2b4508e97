"""What Keepline is compared with: restic, nbdcopy, and this machine's own limit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from stack import LEVEL, folder_size

LIMIT = Path(__file__).with_name("limit.py")


class Restic:
    """A restic repository of its own; its cache is warm after the first backup."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "repository"
        self._input = folder / "input"
        self._input.mkdir(parents=True)
        self._environment = os.environ | {
            "RESTIC_PASSWORD": "bench",
            "RESTIC_REPOSITORY": str(self.repository),
            "RESTIC_CACHE_DIR": str(folder / "cache"),
        }
        self._run("init")

    def back_up(self, image: Path) -> None:
        """Back up the disk, always under the same name."""
        name = self._input / "disk.raw"
        name.unlink(missing_ok=True)
        name.hardlink_to(image)
        self._run("backup", "-q", str(name))

    def restore(self, target: Path) -> None:
        """Restore the newest snapshot."""
        self._run("restore", "latest", "--target", str(target))

    def stored(self) -> int:
        """What the repository's packs hold."""
        return folder_size(self.repository / "data")

    def _run(self, *arguments: str) -> None:
        subprocess.run(["restic", *arguments], check=True, capture_output=True, env=self._environment)


def nbdcopy(image: Path, target: Path, *, flush: bool = True) -> None:
    """Copy the raw disk by nbdkit and nbdcopy; flushed, it is durable as a restored disk is."""
    server = ["[", "nbdkit", "--exit-with-parent", "file", str(image), "]"]
    options = ["--flush"] if flush else []
    subprocess.run(["nbdcopy", *options, "--", *server, str(target)], check=True, capture_output=True)


def limit(image: Path) -> float:
    """Two processes that zero-test, digest and compress the disk and drop the result; the seconds it took."""
    ended = subprocess.run(
        [sys.executable, str(LIMIT), str(image), LEVEL], check=True, capture_output=True, text=True
    )
    return float(ended.stdout)

"""Which Chromium the console is looked at with: the one that this machine has, whatever it is called here."""

from __future__ import annotations

import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",  # containers have little of it
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str:
    """The path of a Chromium that runs; nothing where there is none.

    Ubuntu's package is a stub that only tells how to get the snap: it is not enough that a command is there.
    """
    found = (shutil.which(name) for name in NAMES)
    return next((path for path in found if path and _runs(path)), "")


def _runs(path: str) -> bool:
    return subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    if not find_chromium():
        sys.exit(f"no Chromium here that runs: install one of {', '.join(NAMES)}")

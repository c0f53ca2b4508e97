"""Running the system's tools, with their complaint in the error."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from keepline_lab.errors import LabError
from keepline_lab.paths import SIMULATORS_FOLDER

SYSTEM_FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin")
PACKAGES_FILE = SIMULATORS_FOLDER / "guest" / "packages.txt"


def find_tool(name: str) -> str:
    """Return the path of a program; mkfs and its like are not on every user's PATH.

    Raises:
        LabError: it is not installed.
    """
    search = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS])
    path = shutil.which(name, path=search)
    if path is None:
        raise LabError(f"{name} is not installed; the packages listed in {PACKAGES_FILE} are needed")
    return path


def run_tool(name: str, *arguments: str | Path, text: str = "") -> str:
    """Run a program to its end, with `text` on its standard input, and return what it printed.

    Raises:
        LabError: it is missing or failed.
    """
    done = run_tool_to_the_end([name, *map(str, arguments)], text)
    if done.returncode != 0:
        complaint = (done.stderr or done.stdout).strip()[-2000:]
        raise LabError(f"{name} failed with status {done.returncode}: {complaint}")
    return done.stdout


def run_tool_to_the_end(command: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program whose exit status means something, and return both."""
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(
        [find_tool(command[0]), *command[1:]],
        input=text,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=environment,
    )

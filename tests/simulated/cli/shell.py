"""The command line as a person has it: processes, exit statuses, two streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keepline_lab import Lab
from tests.waiting import PATIENCE_SECONDS

COMMAND = [sys.executable, "-c", "from appliance.cli.main import main; main()"]


@dataclass(frozen=True, slots=True)
class Shell:
    """One machine's shell; `folder` holds state, repository and the password's file."""

    lab: Lab
    folder: Path

    @property
    def state_folder(self) -> Path:
        return self.folder / "state"

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def environment(self) -> dict[str, str]:
        """The settings of every command."""
        return {
            "KEEPLINE_STATE_FOLDER": str(self.state_folder),
            "KEEPLINE_VDDK_FOLDER": str(self.lab.vddk_folder),
            "KEEPLINE_LOG_LEVEL": "debug",
            "KEEPLINE_WORKERS_PER_DISK": "2",
        }

    def set_up(self) -> None:
        """What an admin does once."""
        self.repository.mkdir()
        self.call("init", str(self.repository))
        address = self.lab.address
        password = self.folder / "password"
        password.write_text(f"{address.password}\n")
        self.call(
            *("vcenter", "add", address.host, "--port", str(address.port), "--user", address.user),
            *("--thumbprint", address.thumbprint_sha256, "--password-file", str(password)),
        )
        password.unlink()

    def call(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run one command to its end, which must be `status`."""
        with self.started(*arguments) as process:
            output, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == status, errors
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def document(self, *arguments: str, status: int = 0) -> dict[str, Any]:  # Any: documents of many kinds
        """Run one command under --json; what it printed."""
        document: dict[str, Any] = json.loads(self.call(*arguments, "--json", status=status).stdout)
        return document

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command at work; killed with the context if it has not ended by then."""
        with subprocess.Popen(
            [*COMMAND, *arguments],
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def marked_snapshots(self) -> list[str]:
        """What is left of Keepline's snapshots in vCenter."""
        return [shot.name for shot in self.lab.control.state().snapshots if "keepline" in shot.description]


def descendants_of(process: int) -> list[int]:
    """The processes that `process` has started, and those they have started."""
    children = [int(text) for path in _children_files(process) for text in _read(path).split()]
    return [*children, *(below for child in children for below in descendants_of(child))]


def traces_of(process: int) -> str:
    """What everybody on the machine can see of a process: its arguments, and its environment."""
    return _read(Path(f"/proc/{process}/cmdline")) + _read(Path(f"/proc/{process}/environ"))


def _children_files(process: int) -> list[Path]:
    return list(Path(f"/proc/{process}/task").glob("*/children"))


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""  # it has ended

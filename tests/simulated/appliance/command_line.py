"""The command line of one appliance as child processes: run, followed, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self  # JSON of the command line

from tests.simulated.appliance.installation import Installation

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; `status` is negative for a signal."""

    status: int
    output: str
    errors: str

    @property
    def document(self) -> dict[str, Any]:
        """What it printed under --json."""
        document: dict[str, Any] = json.loads(self.output)
        return document

    @property
    def error(self) -> dict[str, Any]:
        """Its error document."""
        error: dict[str, Any] = self.document["error"]
        return error

    @property
    def run(self) -> dict[str, Any]:
        """Its only run."""
        (run,) = self.document["runs"] if "runs" in self.document else [self.document["run"]]
        assert isinstance(run, dict)
        return run


@dataclass(frozen=True, slots=True)
class Started:
    """A command that is running."""

    warm: WarmProcess
    process: int
    folder: Path

    def kill(self) -> None:
        """End it as the kernel does when memory is short."""
        os.kill(self.process, signal.SIGKILL)

    def wait(self) -> Ended:
        """Return when it has ended."""
        status = self.warm.ask({"wait": self.process})["status"]
        return Ended(status, (self.folder / "stdout").read_text(), (self.folder / "stderr").read_text())


class WarmProcess:
    """The forking process (warm_process.py); commands are its children."""

    def __init__(self, folder: Path, child: subprocess.Popen[str]) -> None:
        self._folder = folder
        self._child = child
        self._lock = threading.Lock()
        self._count = 0

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Self]:
        """A warm process that ends with the context."""
        with (
            tempfile.TemporaryDirectory(prefix="commands-") as folder,
            subprocess.Popen(
                [sys.executable, "-m", "tests.simulated.appliance.warm_process"],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            ) as child,
        ):  # fmt: skip
            yield cls(Path(folder), child)

    def ask(self, request: dict[str, object]) -> dict[str, int]:
        """Send one request and wait for its answer; `wait` keeps other callers waiting, too."""
        with self._lock:
            stdin, stdout = _pipe(self._child.stdin), _pipe(self._child.stdout)
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            answer: dict[str, int] = json.loads(stdout.readline())
        return answer

    def command(
        self,
        installation: Installation,
        *arguments: str,
        entered: str = "",
        die_at: int | None = None,
        die_before: str = "",
    ) -> Started:
        """Start one command of an appliance; `entered` is its standard input.

        With `die_at` or `die_before` its engine is killed before that call to the object store.
        """
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        (folder / "stdin").write_text(entered)
        request = {
            "arguments": list(arguments),
            "environment": environment_of(installation),
            "die_at": 0 if die_before and die_at is None else die_at,
            "die_before": die_before,
            **{name: str(folder / name) for name in ("stdin", "stdout", "stderr", "calls")},
        }
        return Started(self, self.ask({"run": request})["process"], folder)

    def __call__(self, installation: Installation, *arguments: str, entered: str = "") -> Ended:
        """Carry out one command with --json."""
        return self.command(installation, *arguments, "--json", entered=entered).wait()


def environment_of(installation: Installation) -> dict[str, str]:
    """The settings of an appliance as the environment of its commands."""
    values = installation.settings.model_dump(mode="json", exclude_unset=True)
    return {f"KEEPLINE_{name.upper()}": str(value) for name, value in values.items()}


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream

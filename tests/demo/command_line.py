"""Keepline as the demo uses it: by its command line, and how the demo speaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # JSON documents of the command line

KEEPLINE = Path(sys.executable).with_name("keepline")


class DemoFailedError(Exception):
    """Something that the demo claims is not so."""


@dataclass(frozen=True, slots=True)
class Keepline:
    """The command line, with its own state folder."""

    state: Path
    vddk: Path

    @property
    def environment(self) -> dict[str, str]:
        """What every process of this appliance is started with."""
        own = {"KEEPLINE_STATE_FOLDER": str(self.state), "KEEPLINE_VDDK_FOLDER": str(self.vddk)}
        return os.environ | own

    def run(self, *arguments: str, password: str | None = None) -> dict[str, Any]:
        """Run one command with --json and return its document."""
        command = [str(KEEPLINE), *arguments, "--json"]
        ended = subprocess.run(
            command, env=self.environment, input=password, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise DemoFailedError(
                f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
            )
        document: dict[str, Any] = json.loads(ended.stdout)
        return document

    def back_up(self, machine: str) -> dict[str, Any]:
        """Back a machine up and return the run's result."""
        (run,) = self.run("backup", machine)["runs"]
        result: dict[str, Any] = run["result"]
        return result


def say(text: str = "") -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce what happens and how long it took."""
    say(f"\n== {title}")
    begun = time.monotonic()
    yield
    say(f"   {time.monotonic() - begun:.1f} s")

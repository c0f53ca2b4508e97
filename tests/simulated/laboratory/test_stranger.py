"""The laboratory and the product together, by nothing but their commands, as the lab's README tells it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # JSON that the commands print

import pytest

from keepline_lab import Simulators

MIB = 1 << 20
BLOCK = 256 << 10
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Shell:
    """Runs commands in one folder, with the environment that a person would have set."""

    folder: Path

    def run(self, *command: str | Path, text: str = "") -> dict[str, Any]:
        """Run a program with --json and return what it printed."""
        program, *arguments = command
        environment = os.environ | {
            "KEEPLINE_STATE_FOLDER": str(self.folder / "state"),
            "KEEPLINE_VDDK_FOLDER": str(self.folder / "lab" / "vddk"),
        }
        done = subprocess.run(
            [PROGRAMS / program, *arguments, "--json"],
            cwd=self.folder,
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def back_up(self) -> dict[str, Any]:
        """Back up the machine and return the result of the run."""
        (run,) = self.run("keepline", "backup", "web-01")["runs"]
        result: dict[str, Any] = run["result"]
        return result


def write_sparse(image: Path, contents: dict[int, bytes]) -> None:
    with image.open("r+b" if image.exists() else "wb") as file:
        for offset, content in contents.items():
            file.seek(offset)
            file.write(content)


@pytest.fixture
def shell(tmp_path: Path, simulators: Simulators) -> Iterator[Shell]:
    first, second = tmp_path / "disk.img", tmp_path / "disk-2.img"
    write_sparse(first, {0: b"start", MIB: os.urandom(8 * MIB), 32 * MIB - 1: b"e"})
    write_sparse(second, {0: first.read_bytes()[: 9 * MIB], 32 * MIB - 1: b"e"})
    write_sparse(second, {5 * MIB: os.urandom(100_000), 20 * MIB: b"\1"})
    (tmp_path / "repository").mkdir()
    yield Shell(tmp_path)
    subprocess.run([PROGRAMS / "keepline-lab", "down", "--folder", tmp_path / "lab"], check=True)


def test_an_image_is_backed_up_replaced_backed_up_and_both_points_restore(shell: Shell) -> None:
    address = shell.run("keepline-lab", "up", "--folder", "lab", "--machine", "web-01=disk.img")
    shell.run("keepline", "init", "repository")
    place = ["--port", str(address["port"]), "--thumbprint", address["thumbprint_sha256"]]
    log_in = ["--user", address["user"], "--password-file", "-"]
    shell.run("keepline", "vcenter", "add", address["host"], *place, *log_in, text=address["password"])

    first = shell.back_up()
    write = ["write", "web-01", "0", "--folder", "lab", "--replace-with", "disk-2.img"]
    subprocess.run([PROGRAMS / "keepline-lab", *write], cwd=shell.folder, check=True)
    second = shell.back_up()

    assert 8 * MIB <= first["total"]["read"] < 32 * MIB
    assert 100_000 < second["total"]["read"] <= 3 * BLOCK
    assert second["total"]["stored"] <= 2 * BLOCK
    for result, image in ((first, "disk.img"), (second, "disk-2.img")):
        restored = shell.folder / f"restored-{image}"
        shell.run("keepline", "restore", "disk", result["point"], "0", "--to", restored)
        subprocess.run(["cmp", restored, shell.folder / image], check=True)

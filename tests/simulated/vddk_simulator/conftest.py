"""A folder with the simulated library, a gate for it, and child processes that use both."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from tests.simulated.vddk_simulator.fake_gate import DISK_PATH, PASSWORD, SNAPSHOT, THUMBPRINT, USER, FakeGate

ROOT = Path(__file__).parents[3]
SIMULATOR = ROOT / "tests" / "simulators" / "vddk"
BUILT = ROOT / "build" / "simulators" / "vddk"
HERE = Path(__file__).parent


def make(*arguments: str) -> None:
    """Build with the machine's C compiler; an error shows the compiler's words."""
    command = ["make", "-s", "-C", str(SIMULATOR), f"OUT={BUILT}", *arguments]
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / "lock").open("w") as lock:  # other test processes build into the same folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(command, check=True, timeout=300)


@pytest.fixture(scope="session")
def built() -> Path:
    """The build output: lib64, variants and the C client."""
    make("all", "test-client")
    return BUILT


@dataclass(frozen=True)
class Installation:
    """A VDDK folder whose lab.conf points at the fake gate."""

    folder: Path
    gate: FakeGate

    def configure(self, *lines: str, version: str = "8.0.3") -> None:
        text = "\n".join([f"gate={self.gate.address}", f"version={version}", *lines])
        (self.folder / "lib64" / "lab.conf").write_text(text + "\n")

    def install(self, version: str) -> None:
        """Put the library of another version there."""
        make("install-lab", f"VERSION={version}", f"DEST={self.folder}")

    def run(self, scenario: str, *arguments: str, environment: dict[str, str] | None = None) -> Ended:
        """Run a function of scenarios.py or misuse.py against the fake gate."""
        return run_client(Values(self.folder), scenario, *arguments, environment=environment)


@dataclass(frozen=True)
class Values:
    """What a client must know; by default of the fake gate."""

    folder: Path
    user: str = USER
    password: str = PASSWORD
    thumbprint: str = THUMBPRINT
    snapshot: str = SNAPSHOT
    path: str = DISK_PATH
    server: str = "127.0.0.1"
    port: int = 0
    machine: str = "vm-1"


def run_client(
    values: Values, scenario: str, *arguments: str, environment: dict[str, str] | None = None
) -> Ended:
    """Run a function of scenarios.py or misuse.py in a child process, started as VDDK wants it."""
    module, _, name = scenario.rpartition(".")
    command = [sys.executable, str(HERE / f"{module}.py"), name, *map(str, astuple(values)), *arguments]
    whole = {**os.environ, "LD_LIBRARY_PATH": str(values.folder / "lib64"), **(environment or {})}
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, env=whole, check=False)
    return Ended(child.returncode, child.stdout, child.stderr)


@dataclass(frozen=True)
class Ended:
    """How a child process ended."""

    status: int
    output: str
    errors: str

    @property
    def result(self) -> object:
        """What the scenario returned."""
        assert self.status == 0, self.errors
        answer: object = json.loads(self.output)
        return answer

    @property
    def diagnosis(self) -> str:
        """The one line with which the library ended the process."""
        assert self.status == -6, (self.status, self.output, self.errors)
        lines = [line for line in self.errors.splitlines() if line.startswith("simulated VDDK: ")]
        assert len(lines) == 1, self.errors
        return lines[0].removeprefix("simulated VDDK: ")


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[FakeGate]:
    folder = tmp_path / "data store"
    folder.mkdir()
    fake = FakeGate(folder)
    try:
        yield fake
    finally:
        fake.close()


@pytest.fixture
def installation(built: Path, tmp_path: Path, gate: FakeGate) -> Installation:
    lab = Installation(tmp_path / "vddk", gate)
    lab.install("8.0.3")
    lab.configure()
    return lab


@pytest.fixture
def fill(gate: FakeGate) -> Callable[[dict[int, int]], bytes]:
    """Write cells (number: byte value) into the running disk; returns the whole content."""

    def write(cells: dict[int, int]) -> bytes:
        content = bytearray(gate.capacity)
        with gate.flat.open("r+b") as flat:
            flat.truncate(gate.capacity)
            for cell, value in cells.items():
                content[cell * 65536 : (cell + 1) * 65536] = bytes([value]) * 65536
                flat.seek(cell * 65536)
                flat.write(bytes([value]) * 65536)
        return bytes(content)

    return write

"""A client in C with the call pattern of nbdkit's plugin: the library serves more than our own bindings."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulated.vddk_simulator.conftest import Installation
from tests.simulated.vddk_simulator.fake_gate import DISK_PATH, PASSWORD, SNAPSHOT, THUMBPRINT, USER

pytestmark = pytest.mark.simulated


def fnv_1a(content: bytes) -> str:
    result = 14695981039346656037
    for byte in content:
        result = (result ^ byte) * 1099511628211 & (1 << 64) - 1
    return f"{result:016x}"


def run(built: Path, installation: Installation, clients: int) -> subprocess.CompletedProcess[str]:
    client = built / "tests" / "worker_client"
    values = [USER, PASSWORD, THUMBPRINT, SNAPSHOT, DISK_PATH, str(clients)]
    command = [str(client), str(installation.folder), *values]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_clients_with_a_worker_thread_each_read_the_same_disk(
    built: Path, installation: Installation, fill: Callable[[dict[int, int]], bytes]
) -> None:
    content = fill({0: 1, 7: 2, 15: 3})

    ended = run(built, installation, clients=6)

    assert ended.stderr == ""
    assert ended.stdout.split() == [fnv_1a(content)] * 6


def test_such_a_client_breaks_the_strict_rule_of_threads(
    built: Path, installation: Installation, fill: Callable[[dict[int, int]], bytes]
) -> None:
    installation.configure("strict_threads=1")
    fill({0: 1})

    assert "was designated by VixDiskLib_ConnectEx" in run(built, installation, clients=2).stderr

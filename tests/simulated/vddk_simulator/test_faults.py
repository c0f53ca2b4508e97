"""Planned failures, and simulated slowness."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulated.vddk_simulator.conftest import Installation
from tests.simulated.vddk_simulator.fake_gate import FakeGate

pytestmark = pytest.mark.simulated

Fill = Callable[[dict[int, int]], bytes]
FINE = [0, True, True]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("Read nth=2 action=error:14009", [FINE, [14009, False, False], FINE]),
        ("VixDiskLib_Read nth=2 count=2 action=error:36", [FINE, [36, False, False], [36, False, False]]),
        ("Read nth=2 count=0 action=error:36", [FINE, [36, False, False], [36, False, False]]),
        ("Read nth=3 action=short", [FINE, FINE, [1, True, False]]),
        ("Read action=zeros", [[0, True, False], FINE, FINE]),
        ("Read path=*web 01.vmdk action=error:2", [[2, False, False], FINE, FINE]),
        ("Read path=[fast disks] web 01/web 01.vmdk action=error:2", [[2, False, False], FINE, FINE]),
        ("Read path=*other.vmdk action=error:2", [FINE, FINE, FINE]),
        ("Write action=error:2", [FINE, FINE, FINE]),
    ],
)
@pytest.mark.parametrize("by_gate", [False, True])
def test_planned_call_fails_as_planned(
    installation: Installation, gate: FakeGate, fill: Fill, fault: str, expected: object, *, by_gate: bool
) -> None:
    fill({0: 1})
    if by_gate:
        gate.faults = {"fault.1": fault}
    else:
        installation.configure(f"fault.1={fault}")

    assert installation.run("scenarios.reads", "3").result == expected


def test_fault_with_a_file_fires_once_over_all_processes(
    installation: Installation, fill: Fill, tmp_path: Path
) -> None:
    fill({0: 1})
    token = tmp_path / "once"
    token.touch()
    installation.configure(f"fault.1=Read nth=2 action=kill once={token}")

    assert installation.run("misuse.read_normally").status == 0
    assert token.exists()
    assert installation.run("scenarios.reads", "3").status == -9
    assert installation.run("scenarios.reads", "3").result == [FINE, FINE, FINE]


def test_planned_abort_says_panic_first(installation: Installation, fill: Fill) -> None:
    fill({0: 1})
    installation.configure("fault.1=Read action=abort")

    assert installation.run("scenarios.reads", "1").diagnosis == "Read: planned fault"


def test_fault_of_connect_is_known_before_the_log_in(installation: Installation, gate: FakeGate) -> None:
    gate.faults = {"fault.1": "ConnectEx action=error:14014"}

    assert installation.run("scenarios.connect_only").result == 14014
    assert gate.operations() == []


def test_latency_and_bandwidth_slow_a_connection_down(installation: Installation, fill: Fill) -> None:
    fill({0: 1})
    installation.configure("latency_microseconds.nbdssl=20000", "bytes_per_second.nbdssl=5120000")

    duration = installation.run("scenarios.duration_of_reads", "5", "100").result

    # 5 x (20 ms + 51200 bytes / 5120000 bytes a second): a lower bound, which no busy machine can break.
    assert isinstance(duration, float)
    assert duration >= 0.15

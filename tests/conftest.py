"""What every test gets: nothing leaks out of it, no socket leaves the machine, and a laboratory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from keepline_lab import Lab, LibraryBehaviour, Machine, Simulators, VcenterSettings, build_simulators
from keepline_lab.lab import DEFAULT_BEHAVIOUR, DEFAULT_SETTINGS
from keepline_lab.laboratories import StartLab
from keepline_lab.leaks import Loopback, held, leaks_since

# Machines are shared and noisy: no example is too slow. Bounded runs repeat the same examples, so that
# a change is judged by what it changes; `make test-long` tries new ones and prints how to repeat a failure.
_ANY_SPEED = [HealthCheck.too_slow]
settings.register_profile("bounded", deadline=None, derandomize=True, suppress_health_check=_ANY_SPEED)
settings.register_profile(
    "long", deadline=None, max_examples=500, print_blob=True, suppress_health_check=_ANY_SPEED
)
settings.load_profile("long" if os.environ.get("KEEPLINE_TEST_LONG") else "bounded")

LOOPBACK = Loopback()
sys.addaudithook(LOOPBACK.audit)


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """Fail a test that leaves a file, thread or child process behind, or tried to leave loopback."""
    before = held()
    LOOPBACK.refused.clear()
    yield
    leaks = leaks_since(before)
    assert not leaks, f"the test left behind: {'; '.join(leaks)}"
    assert not LOOPBACK.refused, f"the test tried to leave the machine: {LOOPBACK.refused}"


@pytest.fixture(scope="session")
def simulators() -> Simulators:
    """Build the simulators where their sources changed; several test processes wait for one build."""
    return build_simulators()


@pytest.fixture
def laboratory(simulators: Simulators, tmp_path: Path) -> Iterator[StartLab]:
    """Start laboratories of the given machines; all of them are stopped after the test."""
    with ExitStack() as stack:
        count = 0

        def start(
            *machines: Machine,
            settings: VcenterSettings = DEFAULT_SETTINGS,
            behaviour: LibraryBehaviour = DEFAULT_BEHAVIOUR,
        ) -> Lab:
            nonlocal count
            count += 1
            folder = tmp_path / f"lab-{count}"
            lab = Lab.start(folder, machines, settings=settings, behaviour=behaviour, simulators=simulators)
            return stack.enter_context(lab)

        yield start

"""What every test of the project gets: nothing leaks out of a test, and no socket leaves the machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from keepline_lab.leaks import Loopback, held, leaks_since

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

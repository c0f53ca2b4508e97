"""The fixtures of tests/simulated/appliance: the same appliance, and its console."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulated.appliance.conftest import keepline

__all__ = ["keepline"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder: they need the laboratory."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("simulated")

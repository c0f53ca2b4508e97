"""Everything here needs the laboratory: the fixture `laboratory` of tests/conftest.py starts one."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, so that a selection by marker finds them."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("simulated")

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.state import Database, open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A state database of its own for each test."""
    with open_database(tmp_path) as database:
        yield database

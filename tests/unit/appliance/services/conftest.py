from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.state import open_database
from tests.fakes.services import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """All services over a new state database in `tmp_path`."""
    with open_database(tmp_path) as database:
        yield Desk(database, tmp_path)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.state import open_database
from tests.fakes.appliance import Terminal
from tests.fakes.services import Desk


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A command line whose appliance has a vCenter and a repository."""
    monkeypatch.setenv("KEEPLINE_STATE_FOLDER", str(tmp_path))
    with open_database(tmp_path) as database:
        yield Terminal(tmp_path, Desk(database, tmp_path).equipped())

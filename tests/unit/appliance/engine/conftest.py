from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.state import JournalStore, RunLogStore, RunStore, open_database
from tests.fakes.engine import Workplace


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    with open_database(tmp_path) as database:
        yield Workplace(tmp_path, RunStore(database), RunLogStore(database), JournalStore(database))

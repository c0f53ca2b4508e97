from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.certificates import TestAuthority, make_authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    """Vouches for 127.0.0.1 and localhost."""
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> TestAuthority:
    """Vouches for another host."""
    return make_authority(tmp_path, "mail.example")

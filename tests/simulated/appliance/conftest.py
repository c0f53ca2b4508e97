"""What tests of the whole appliance start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keepline_lab import LibraryBehaviour, Machine, VcenterSettings
from keepline_lab.lab import DEFAULT_BEHAVIOUR, DEFAULT_SETTINGS
from keepline_lab.laboratories import StartLab
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.installation import Installation

MakeInstallation = Callable[..., Installation]


@pytest.fixture
def installation_of(laboratory: StartLab, tmp_path: Path) -> MakeInstallation:
    """Start a laboratory with these machines and an appliance that knows it."""

    def make(
        *machines: Machine,
        lab_settings: VcenterSettings = DEFAULT_SETTINGS,
        behaviour: LibraryBehaviour = DEFAULT_BEHAVIOUR,
        **settings: object,
    ) -> Installation:
        lab = laboratory(*machines, settings=lab_settings, behaviour=behaviour)
        return Installation.make(tmp_path / "appliance", lab, **settings)

    return make


@pytest.fixture(scope="session")
def keepline() -> Iterator[WarmProcess]:
    """The command line: `keepline(installation, "backup", "web-01")`."""
    with WarmProcess.start() as warm:
        yield warm

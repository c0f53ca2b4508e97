"""The type of the pytest fixture `laboratory`, for tests to name."""

from __future__ import annotations

from typing import Protocol

from keepline_lab.lab import DEFAULT_BEHAVIOUR, DEFAULT_SETTINGS, Lab
from keepline_lab.library import LibraryBehaviour
from keepline_lab.machines import Machine
from keepline_lab.settings import VcenterSettings


class StartLab(Protocol):
    """Starts a laboratory of some machines."""

    def __call__(
        self,
        *machines: Machine,
        settings: VcenterSettings = DEFAULT_SETTINGS,
        behaviour: LibraryBehaviour = DEFAULT_BEHAVIOUR,
    ) -> Lab:
        """Return the running laboratory."""
        ...

"""How much may be at work at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunLimits:
    """The most runs at a time: in all, on one vCenter, on one of its hosts. None: no limit of that kind."""

    total: int = 4
    per_vcenter: int | None = None
    per_host: int | None = None

    def __post_init__(self) -> None:
        if min(self.total, self.per_vcenter or 1, self.per_host or 1) < 1:
            raise ValueError("a limit below one run would let nothing begin")


UNLIMITED_PLACES = RunLimits()
"""Any number of runs on any vCenter and host."""

"""Where a line goes for everything a person does at the console."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class AuditTrail(Protocol):
    """Takes lines and never gives them back changed."""

    def record(self, at: datetime, actor: str, source: str, action: str, subject: str) -> None:
        """Add a line: who did what, from which address, to what (empty where there is no object).

        Raises:
            ApplianceStateError: it cannot be kept.
        """
        ...

"""The mark on everything Keepline leaves in vCenter: which installation, which run, and what for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from appliance.model.identifiers import InstallationId, RunId
from appliance.model.recovery_points import Consistency

_SNAPSHOT_NAME_PREFIX = "Keepline "


@dataclass(frozen=True, slots=True)
class Mark:
    """Who left something in vCenter; the reaper touches nothing without its own installation's mark."""

    installation: InstallationId
    run: RunId


class SnapshotPurpose(StrEnum):
    """A snapshot to read from, or one that only makes a change of tracking take effect."""

    BACKUP = "backup"
    TRACKING = "tracking"


@dataclass(frozen=True, slots=True)
class SnapshotMark:
    """What a snapshot of ours says about itself in its description."""

    mark: Mark
    purpose: SnapshotPurpose
    consistency: Consistency

    @property
    def name(self) -> str:
        """What people see in the Snapshot Manager."""
        return f"{_SNAPSHOT_NAME_PREFIX}{self.mark.run}"

    @property
    def description(self) -> str:
        """JSON, for `read_description`."""
        return json.dumps(
            {
                "keepline": {
                    "installation": self.mark.installation,
                    "run": self.mark.run,
                    "purpose": self.purpose,
                    "consistency": self.consistency,
                }
            }
        )


def read_description(description: str | None) -> SnapshotMark | None:
    """What a snapshot of ours says about itself, or None when it is not one of ours."""
    try:
        document = json.loads(description or "")
        keepline = document["keepline"]
        return SnapshotMark(
            Mark(InstallationId(_text(keepline["installation"])), RunId(_text(keepline["run"]))),
            SnapshotPurpose(keepline["purpose"]),
            Consistency(keepline["consistency"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"not a text: {value!r}")
    return value

"""The mark on everything Keepline leaves in vCenter: which installation, which run."""

from __future__ import annotations

import json
from dataclasses import dataclass

from appliance.model.identifiers import InstallationId, RunId

_SNAPSHOT_NAME_PREFIX = "Keepline "


@dataclass(frozen=True, slots=True)
class Mark:
    """Who left something in vCenter; the reaper touches nothing without its own installation's mark."""

    installation: InstallationId
    run: RunId

    @property
    def snapshot_name(self) -> str:
        """What people see in the Snapshot Manager."""
        return f"{_SNAPSHOT_NAME_PREFIX}{self.run}"

    @property
    def snapshot_description(self) -> str:
        """What the reaper reads."""
        return json.dumps({"keepline": {"installation": self.installation, "run": self.run}})


def mark_of_snapshot(description: str) -> Mark | None:
    """The mark in a snapshot's description, or None when it is not one of ours."""
    try:
        document = json.loads(description)
    except ValueError:
        return None
    keepline = document.get("keepline") if isinstance(document, dict) else None
    if not isinstance(keepline, dict):
        return None
    installation, run = keepline.get("installation"), keepline.get("run")
    if not (isinstance(installation, str) and isinstance(run, str)):
        return None
    return Mark(InstallationId(installation), RunId(run))

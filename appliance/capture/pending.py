"""A point whose disks are all read and that nobody can see yet.

Kept in the run's folder before the snapshot goes: from then on the commit can be repeated without
touching vCenter (rule 4).
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.model.disk_tasks import TaskResult
from appliance.model.documents import from_json, to_json
from appliance.model.extents import Extent
from appliance.repository.point_draft import CapturedDisk, PointDraft
from appliance.run_context import PENDING_POINT, RunFolder


@dataclass(frozen=True, slots=True)
class PendingDisk:
    """One disk that was read; `tracked` is what tracking said, where that is to be audited."""

    captured: CapturedDisk
    tracked: tuple[Extent, ...] | None
    result: TaskResult


@dataclass(frozen=True, slots=True)
class PendingPoint:
    """Everything of a point that is not in its disks' drafts."""

    draft: PointDraft
    disks: tuple[PendingDisk, ...]
    snapshot_seconds: float


def keep_pending(folder: RunFolder, pending: PendingPoint) -> None:
    """Make it outlive a crash."""
    folder.keep(PENDING_POINT, to_json(pending))


def kept_pending(folder: RunFolder) -> PendingPoint | None:
    """What an earlier attempt of the run has kept."""
    content = folder.kept(PENDING_POINT)
    return None if content is None else from_json(PendingPoint, content)

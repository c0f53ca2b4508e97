"""Which readings share a checkpoint: only those whose rows mean the same (rule 1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.capture.disk_backup import checkpoint_key
from appliance.capture.disk_plans import DiskPlan
from appliance.capture.scope import ScopeDecision
from appliance.model.change_tracking import ChangeId, ReadScope, ScopeReason
from appliance.model.disk_tasks import CheckpointKey
from appliance.model.identifiers import ManagedObjectId, RunId
from appliance.repository.points import Parent
from tests.fakes.recovery_points import disk, image, point

DISK = disk()
SINCE = ScopeDecision(ReadScope.CHANGED, ScopeReason.TRACKING_VALID, since=ChangeId("52 aa", 1))
EVERYTHING = ScopeDecision(ReadScope.EVERYTHING, ScopeReason.QUERY_FAILED)
PLAN = DiskPlan(DISK, Parent(point(2, image(DISK)), image(DISK)), SINCE, None, 1 << 18)


def key_of(plan: DiskPlan, run: str = "run", snapshot: str = "snapshot-7") -> CheckpointKey:
    return checkpoint_key(RunId(run), ManagedObjectId(snapshot), plan)


def test_equal_readings_share_a_checkpoint() -> None:
    assert key_of(PLAN) == key_of(replace(PLAN, parent=Parent(point(2, image(DISK)), image(DISK))))


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, parent=Parent(point(1, image(DISK)), image(DISK))),
        replace(PLAN, parent=None),
        replace(PLAN, decision=EVERYTHING),
        replace(PLAN, block_size=1 << 20),
        replace(PLAN, disk=replace(DISK, device_key=2001)),
        replace(PLAN, disk=replace(DISK, backing_uuid="6000C29A-02")),
        replace(PLAN, disk=replace(DISK, capacity=DISK.capacity + 512)),
        replace(PLAN, disk=replace(DISK, change_id=ChangeId("52 aa", 2))),
        replace(PLAN, disk=replace(DISK, change_id=None)),
    ],
)
def test_a_reading_that_differs_in_anything_has_a_checkpoint_of_its_own(other: DiskPlan) -> None:
    assert key_of(other) != key_of(PLAN)


def test_another_snapshot_or_run_has_a_checkpoint_of_its_own() -> None:
    assert len({key_of(PLAN), key_of(PLAN, run="other"), key_of(PLAN, snapshot="snapshot-8")}) == 3

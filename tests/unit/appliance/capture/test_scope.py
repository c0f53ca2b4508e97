from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.capture.scope import TrackingFacts, decide_scope
from appliance.model.change_tracking import ChangeId, ReadScope, ScopeReason
from appliance.model.recovery_points import DiskImage, DiskStatistics
from appliance.model.units import GIB
from appliance.model.virtual_machines import VirtualDisk

CALM = TrackingFacts(events_complete=True, disturbances=())
DISK = VirtualDisk(
    device_key=2000,
    label="Hard disk 1",
    capacity=GIB,
    backing="[store] web/web.vmdk",
    backing_uuid="6000C29a-0001",
    change_id=ChangeId("52 aa", 7),
)


def image_of(disk: VirtualDisk) -> DiskImage:
    return DiskImage(
        disk=disk,
        block_size=262144,
        block_maps=(),
        scope=ReadScope.EVERYTHING,
        scope_reason=ScopeReason.REQUESTED,
        statistics=DiskStatistics(),
        transport_mode="nbdssl",
    )


def test_a_disk_without_a_parent_is_read_where_it_is_allocated() -> None:
    decision = decide_scope(DISK, None, CALM)

    assert (decision.scope, decision.reason) == (ReadScope.ALLOCATED, ScopeReason.FIRST_POINT)
    assert decision.since is None


def test_a_requested_full_believes_no_allocation_facts_either() -> None:
    decision = decide_scope(DISK, None, replace(CALM, full_requested=True))

    assert (decision.scope, decision.reason) == (ReadScope.EVERYTHING, ScopeReason.REQUESTED)


def test_tracking_is_followed_when_everything_agrees() -> None:
    decision = decide_scope(replace(DISK, change_id=ChangeId("52 aa", 9)), image_of(DISK), CALM)

    assert (decision.scope, decision.reason) == (ReadScope.CHANGED, ScopeReason.TRACKING_VALID)
    assert decision.since == DISK.change_id


def test_an_unmoved_sequence_is_no_doubt() -> None:
    assert decide_scope(DISK, image_of(DISK), CALM).scope is ReadScope.CHANGED


@pytest.mark.parametrize(
    ("now", "facts", "reason"),
    [
        (replace(DISK, capacity=2 * GIB), CALM, ScopeReason.CAPACITY_CHANGED),
        (replace(DISK, backing_uuid="6000C29a-0002"), CALM, ScopeReason.BACKING_CHANGED),
        (replace(DISK, change_id=None), CALM, ScopeReason.TRACKING_NOT_ENABLED),
        (replace(DISK, change_id=ChangeId("52 bb", 7)), CALM, ScopeReason.EPOCH_CHANGED),
        (replace(DISK, change_id=ChangeId("52 aa", 6)), CALM, ScopeReason.SEQUENCE_WENT_BACK),
        (DISK, replace(CALM, disturbances=("reverted",)), ScopeReason.MACHINE_REVERTED),
        (DISK, replace(CALM, events_complete=False), ScopeReason.EVENTS_INCOMPLETE),
    ],
)
def test_any_doubt_makes_a_safe_full(now: VirtualDisk, facts: TrackingFacts, reason: ScopeReason) -> None:
    decision = decide_scope(now, image_of(DISK), facts)

    assert (decision.scope, decision.reason) == (ReadScope.EVERYTHING, reason)
    assert decision.since is None


def test_a_requested_full_audits_tracking_where_it_could_have_been_believed() -> None:
    asked = replace(CALM, full_requested=True)

    believable = decide_scope(DISK, image_of(DISK), asked)
    doubtful = decide_scope(replace(DISK, change_id=ChangeId("52 bb", 1)), image_of(DISK), asked)

    assert (believable.scope, believable.audit_since) == (ReadScope.EVERYTHING, DISK.change_id)
    assert (doubtful.scope, doubtful.audit_since) == (ReadScope.EVERYTHING, None)


@given(
    parent_has_id=st.booleans(),
    same_epoch=st.booleans(),
    step=st.integers(-3, 3),
    same_capacity=st.booleans(),
    same_backing=st.booleans(),
    complete=st.booleans(),
    disturbed=st.booleans(),
    asked=st.booleans(),
)
def test_blocks_are_left_out_only_when_nothing_speaks_against_it(
    *,
    parent_has_id: bool,
    same_epoch: bool,
    step: int,
    same_capacity: bool,
    same_backing: bool,
    complete: bool,
    disturbed: bool,
    asked: bool,
) -> None:
    parent = replace(DISK, change_id=DISK.change_id if parent_has_id else None)
    now = replace(
        DISK,
        change_id=ChangeId("52 aa" if same_epoch else "52 zz", 7 + step),
        capacity=GIB if same_capacity else GIB + 512,
        backing_uuid=DISK.backing_uuid if same_backing else "other",
    )
    facts = TrackingFacts(complete, ("revert",) if disturbed else (), asked)

    decision = decide_scope(now, image_of(parent), facts)

    believable = all(
        (parent_has_id, same_epoch, step >= 0, same_capacity, same_backing, complete, not disturbed)
    )
    assert (decision.scope is ReadScope.CHANGED) == (believable and not asked)
    assert (decision.audit_since is not None) == (believable and asked)

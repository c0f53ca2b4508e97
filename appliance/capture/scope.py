"""Which bytes of a disk a run must look at; pure (rules 2 and 3 of docs/architecture.md).

Change tracking is a hint: it is followed only when everything that could make it lie agrees with the
parent. Any doubt ends in a safe full, which reads everything and stores only what differs.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.model.change_tracking import ChangeId, ReadScope, ScopeReason
from appliance.model.recovery_points import DiskImage
from appliance.model.virtual_machines import VirtualDisk


@dataclass(frozen=True, slots=True)
class TrackingFacts:
    """What is known of a machine's past since the parent's snapshot was taken.

    `events_complete`: vCenter's event log reaches back to that moment. `disturbances`: what happened
    since that makes tracking unbelievable (reverts, restores, disks taken out).
    """

    events_complete: bool
    disturbances: tuple[str, ...]
    full_requested: bool = False


@dataclass(frozen=True, slots=True)
class ScopeDecision:
    """`since` is the change id to ask from: set exactly when the scope is CHANGED.

    `audit_since` is set when everything is read although tracking could have been believed: what it
    says can then be checked against what was read.
    """

    scope: ReadScope
    reason: ScopeReason
    since: ChangeId | None = None
    audit_since: ChangeId | None = None


def decide_scope(disk: VirtualDisk, parent: DiskImage | None, facts: TrackingFacts) -> ScopeDecision:
    """The scope for `disk`, as seen in the snapshot, after `parent`, the newest point's image of it."""
    if parent is None and facts.full_requested:
        return ScopeDecision(ReadScope.EVERYTHING, ScopeReason.REQUESTED)
    if parent is None:
        return ScopeDecision(ReadScope.ALLOCATED, ScopeReason.FIRST_POINT)
    doubt = doubt_about_tracking(disk, parent.disk, facts)
    if facts.full_requested:
        audit_since = None if doubt else parent.disk.change_id
        return ScopeDecision(ReadScope.EVERYTHING, ScopeReason.REQUESTED, audit_since=audit_since)
    if doubt:
        return ScopeDecision(ReadScope.EVERYTHING, doubt)
    return ScopeDecision(ReadScope.CHANGED, ScopeReason.TRACKING_VALID, since=parent.disk.change_id)


def doubt_about_tracking(disk: VirtualDisk, before: VirtualDisk, facts: TrackingFacts) -> ScopeReason | None:
    """The first reason not to believe change tracking between `before` and `disk`, or None."""
    if disk.capacity != before.capacity:
        return ScopeReason.CAPACITY_CHANGED
    if disk.backing_uuid != before.backing_uuid:
        return ScopeReason.BACKING_CHANGED
    if disk.change_id is None or before.change_id is None:
        return ScopeReason.TRACKING_NOT_ENABLED
    return _doubt_about_ids(disk.change_id, before.change_id) or _doubt_about_history(facts)


def _doubt_about_ids(current: ChangeId, before: ChangeId) -> ScopeReason | None:
    if current.epoch != before.epoch:
        return ScopeReason.EPOCH_CHANGED
    if current.sequence < before.sequence:
        return ScopeReason.SEQUENCE_WENT_BACK
    return None


def _doubt_about_history(facts: TrackingFacts) -> ScopeReason | None:
    # A revert takes the change id back; later ids repeat with other content, so ids alone prove nothing.
    if facts.disturbances:
        return ScopeReason.MACHINE_REVERTED
    if not facts.events_complete:
        return ScopeReason.EVENTS_INCOMPLETE
    return None

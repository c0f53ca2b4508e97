"""For every disk of a snapshot: what to look at, why, and on which parent it builds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.capture.errors import NoDiskCapturedError
from appliance.capture.scope import ScopeDecision, TrackingFacts, decide_scope
from appliance.errors import ApplianceError, ChangeTrackingError, DamageError
from appliance.model.blocks import block_size_for
from appliance.model.change_tracking import ChangedAreas, ReadScope, ScopeReason
from appliance.model.recovery_points import ExcludedDisk
from appliance.model.requests import BackupRequest
from appliance.model.virtual_machines import VirtualDisk, VirtualMachine
from appliance.progress import ProgressSink
from appliance.repository.image_reader import open_parent
from appliance.repository.points import Parent, PointListing, find_parent
from appliance.run_context import RunSession
from appliance.vsphere import SnapshotFacts, VcenterConnection, changed_areas, history_since


@dataclass(frozen=True, slots=True)
class DiskPlan:
    """One disk to capture.

    `areas` is what change tracking said: what to read when the scope is CHANGED, what to hold against
    the reading when everything is read on request; None where tracking was not asked.
    """

    disk: VirtualDisk
    parent: Parent | None
    decision: ScopeDecision
    areas: ChangedAreas | None
    block_size: int


@dataclass(frozen=True, slots=True)
class Snapshotted:
    """A machine, its snapshot, and the way to ask vCenter about both."""

    connection: VcenterConnection
    machine: VirtualMachine
    snapshot: SnapshotFacts


def excluded_disks(disks: tuple[VirtualDisk, ...], request: BackupRequest) -> tuple[ExcludedDisk, ...]:
    """The disks that no snapshot can hold; accepted where the request names their label."""
    return tuple(
        ExcludedDisk(disk, disk.exclusion, disk.label in request.accepted_disks)
        for disk in disks
        if disk.exclusion is not None
    )


def plan_disks(
    subject: Snapshotted, points: PointListing, request: BackupRequest, session: RunSession
) -> list[DiskPlan]:
    """A plan for every disk that the snapshot holds.

    Raises:
        NoDiskCapturedError: there is none.
        VcenterError: vCenter does not answer; a refused question about changes is no error but a safe full.
    """
    disks = [disk for disk in subject.snapshot.disks if disk.exclusion is None]
    if not disks:
        names = ", ".join(f"{disk.label} ({disk.exclusion})" for disk in subject.snapshot.disks)
        raise NoDiskCapturedError(subject.machine.name, names or "it has no disks")
    parents = [usable_parent(session, points, disk) for disk in disks]
    facts = _tracking_facts(subject, [parent for parent in parents if parent], request)
    return [
        _plan_disk(subject, disk, parent, facts, session.progress)
        for disk, parent in zip(disks, parents, strict=True)
    ]


def usable_parent(session: RunSession, points: PointListing, disk: VirtualDisk) -> Parent | None:
    """The parent, unless a map or a segment of it is gone: then the disk begins a new chain, whole in itself.

    A new point inherits every row it does not replace, so it would be listed with its parent's hole.
    """
    parent = find_parent(points, disk)
    if parent is None:
        return None
    try:
        open_parent(session.tools.repository, parent)
    except DamageError as error:
        session.progress.message(f"{disk.label} begins anew: {error} ({error.code})", warning=True)
        return None
    return parent


def _tracking_facts(subject: Snapshotted, parents: list[Parent], request: BackupRequest) -> TrackingFacts:
    if not parents:
        return TrackingFacts(events_complete=True, disturbances=(), full_requested=request.full)
    since: datetime = min(parent.point.created_at for parent in parents)
    history = history_since(subject.connection, subject.machine, since)
    return TrackingFacts(history.complete, history.disturbances, full_requested=request.full)


def _plan_disk(
    subject: Snapshotted,
    disk: VirtualDisk,
    parent: Parent | None,
    facts: TrackingFacts,
    progress: ProgressSink,
) -> DiskPlan:
    decision = decide_scope(disk, parent.image if parent else None, facts)
    block_size = parent.image.block_size if parent else block_size_for(disk.capacity)
    since = decision.since or decision.audit_since
    areas = None
    if since is not None:
        try:
            areas = changed_areas(subject.connection, subject.machine, subject.snapshot, disk, since)
        except ChangeTrackingError as error:
            _tell_refusal(disk, error, progress)
            if decision.scope is ReadScope.CHANGED:
                decision = ScopeDecision(ReadScope.EVERYTHING, ScopeReason.QUERY_FAILED)
    _tell_decision(disk, decision, facts, progress)
    return DiskPlan(disk, parent, decision, areas, block_size)


def _tell_refusal(disk: VirtualDisk, error: ApplianceError, progress: ProgressSink) -> None:
    progress.message(f"{disk.label}: {error} ({error.code})", warning=True)


def _tell_decision(
    disk: VirtualDisk, decision: ScopeDecision, facts: TrackingFacts, progress: ProgressSink
) -> None:
    expected = {ScopeReason.TRACKING_VALID, ScopeReason.FIRST_POINT, ScopeReason.REQUESTED}
    why = f" ({'; '.join(facts.disturbances)})" if decision.reason is ScopeReason.MACHINE_REVERTED else ""
    progress.message(
        f"{disk.label}: reading {decision.scope}, because {decision.reason}{why}",
        warning=decision.reason not in expected,
    )

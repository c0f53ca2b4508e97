"""From durable drafts to a visible point, and what it says about the points before it."""

from __future__ import annotations

from appliance.capture.audit import points_on_trust, untracked_differences
from appliance.capture.pending import PendingDisk, PendingPoint
from appliance.errors import RepositoryError
from appliance.model.blocks import BlockFlags
from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import BlockRange, DiskStatistics, RecoveryPoint, SuspectDisk
from appliance.model.results import BackupResult, DiskResult, GapResult
from appliance.model.virtual_machines import MachineIdentity
from appliance.repository.commit import commit_recovery_point
from appliance.repository.drafts import iter_parts, read_draft
from appliance.repository.layout import manifest_key
from appliance.repository.leases import Lease
from appliance.repository.points import list_points
from appliance.repository.retirement import delete_drafts, mark_suspect
from appliance.run_context import RunSession
from appliance.storage import ObjectStore

EXPLANATION = "a complete read found changes that change tracking had not reported"


def publish(session: RunSession, pending: PendingPoint, lease: Lease) -> BackupResult:
    """Make the point visible; may be repeated until it returns, and then again.

    Raises:
        RepositoryError: the point is not visible, or was withdrawn; its drafts are still there.
    """
    repository, draft = session.tools.repository, pending.draft
    if repository.store.information(manifest_key(draft.machine.key, draft.point)) is None:
        # Before the commit: once there is a complete read, nobody looks for doubtful points before it.
        _mark_suspects(session, pending)
    point = commit_recovery_point(repository, draft, lease, session.tools.clock)
    return _result(point, pending, _marked_by(session, draft.machine))


def tidy_up(session: RunSession) -> None:
    """Remove what another attempt would have needed; the point is there, whatever becomes of this."""
    try:
        delete_drafts(session.tools.repository, session.run.id)
    except RepositoryError as error:
        text = f"drafts stay until the next start: {error} ({error.code})"
        session.progress.message(text, warning=True)
        return
    session.folder.remove()


def _mark_suspects(session: RunSession, pending: PendingPoint) -> None:
    repository, clock = session.tools.repository, session.tools.clock
    for suspect, disks in _suspects(session, pending).values():
        mark_suspect(repository, suspect, session.run.id, tuple(disks), clock, EXPLANATION)
        session.progress.message(f"point {suspect.id} is suspect: {EXPLANATION}", warning=True)


def _marked_by(session: RunSession, machine: MachineIdentity) -> tuple[RecoveryPointId, ...]:
    """The points that this run, in whichever attempt, has found doubtful; newest first."""
    listing = list_points(session.tools.repository, machine)
    return tuple(
        listed.point.id
        for listed in reversed(listing.points)
        if any(mark.found_by == session.run.id for mark in listed.suspect_marks)
    )


Suspects = dict[RecoveryPointId, tuple[RecoveryPoint, list[SuspectDisk]]]


def _suspects(session: RunSession, pending: PendingPoint) -> Suspects:
    """The earlier points that hold blocks tracking was wrong about, with these blocks."""
    repository = session.tools.repository
    suspects: Suspects = {}
    for disk in pending.disks:
        if disk.tracked is None:
            continue
        ranges = _untracked(repository.store, disk)
        if not ranges:
            continue
        image = disk.captured.disk
        doubtful = SuspectDisk(image.label, image.device_key, image.backing_uuid, ranges)
        points = [listed.point for listed in list_points(repository, pending.draft.machine).points]
        for point in points_on_trust(points, image):
            suspects.setdefault(point.id, (point, []))[1].append(doubtful)
    return suspects


def _untracked(store: ObjectStore, disk: PendingDisk) -> tuple[BlockRange, ...]:
    draft = read_draft(store, disk.captured.draft_key)
    differing = [
        block
        for part in iter_parts(store, draft)
        for block, flags in zip(part.columns.block_index.cast("Q"), part.columns.flags, strict=True)
        if not flags & BlockFlags.UNCHANGED
    ]
    return untracked_differences(differing, disk.tracked or (), draft.key.block_size)


def _result(
    point: RecoveryPoint, pending: PendingPoint, suspects: tuple[RecoveryPointId, ...]
) -> BackupResult:
    return BackupResult(
        point=point.id,
        machine=point.machine_name,
        consistency=point.consistency,
        disks=tuple(_disk_result(disk) for disk in pending.disks),
        gaps=tuple(
            GapResult(excluded.disk.label, excluded.reason, excluded.accepted)
            for excluded in point.excluded_disks
        ),
        total=add_up([disk.result.statistics for disk in pending.disks]),
        snapshot_seconds=pending.snapshot_seconds,
        suspect_points=suspects,
    )


def _disk_result(disk: PendingDisk) -> DiskResult:
    return DiskResult(
        label=disk.captured.disk.label,
        capacity=disk.captured.disk.capacity,
        scope=disk.captured.scope,
        scope_reason=disk.captured.scope_reason,
        statistics=disk.result.statistics,
        transport_mode=disk.result.transport_mode,
        resumed_blocks=disk.result.resumed_blocks,
        mover_peak_anonymous_memory=disk.result.peak_anonymous_memory,
    )


def add_up(statistics: list[DiskStatistics]) -> DiskStatistics:
    """The sum, field by field."""
    return DiskStatistics(
        examined=sum(one.examined for one in statistics),
        read=sum(one.read for one in statistics),
        stored=sum(one.stored for one in statistics),
        deduplicated=sum(one.deduplicated for one in statistics),
        zero=sum(one.zero for one in statistics),
        unchanged=sum(one.unchanged for one in statistics),
    )

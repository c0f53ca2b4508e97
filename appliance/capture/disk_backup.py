"""The disks of one snapshot, each read into a durable draft by a mover of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from appliance.capture.disk_plans import DiskPlan, Snapshotted
from appliance.capture.errors import LostSnapshotError
from appliance.capture.pending import PendingDisk
from appliance.errors import ApplianceError
from appliance.model.change_tracking import ReadScope
from appliance.model.disk_tasks import BackupDiskTask, CheckpointKey, TaskDocument, TaskResult
from appliance.model.extents import align_extents
from appliance.model.identifiers import ManagedObjectId, RunId
from appliance.model.virtual_machines import VirtualMachine
from appliance.repository.digest_index import write_repository_index
from appliance.repository.image_reader import open_image
from appliance.repository.layout import draft_prefix
from appliance.repository.point_draft import CapturedDisk
from appliance.repository.points import PointListing, list_points
from appliance.repository.task_files import write_extents
from appliance.run_context import EitherSignal, RunSession, for_each_disk, run_task
from appliance.vsphere import snapshot_facts


@dataclass(frozen=True, slots=True)
class SharedInputs:
    """What all disks of a run build on: the machine's points, and where known digests are stored."""

    points: PointListing
    index: Path
    lease_key: str

    @classmethod
    def gather(cls, session: RunSession, machine: VirtualMachine, lease_key: str) -> SharedInputs:
        """Read the repository as it is under the lease `lease_key`."""
        repository = session.tools.repository
        everything = list_points(repository)
        for damaged in everything.damaged:
            session.progress.message(f"a point cannot be built on: {damaged.explanation}", warning=True)
        index = session.folder.path / "index"
        index.unlink(missing_ok=True)
        for explanation in write_repository_index(repository, everything, index).damaged:
            session.progress.message(f"known blocks are not used: {explanation}", warning=True)
        mine = tuple(listed for listed in everything.points if listed.point.machine == machine.identity)
        return cls(PointListing(mine, ()), index, lease_key)


def read_disks(
    session: RunSession, subject: Snapshotted, plans: list[DiskPlan], inputs: SharedInputs
) -> list[PendingDisk]:
    """Read every disk; all are durable drafts when this returns.

    Raises:
        LostSnapshotError: the snapshot is gone, which is why reading failed.
        ApplianceError: what the first disk that failed has failed with.
    """
    try:
        return for_each_disk(
            session, plans, lambda plan, signal: _read_disk(session, subject, plan, inputs, signal)
        )
    except ApplianceError as error:
        if not session.cancelled.is_set() and _snapshot_is_gone(subject):
            raise LostSnapshotError(subject.machine.name, subject.snapshot.moref) from error
        raise


def _snapshot_is_gone(subject: Snapshotted) -> bool:
    return snapshot_facts(subject.connection, subject.machine.moref, subject.snapshot.moref) is None


def _read_disk(
    session: RunSession, subject: Snapshotted, plan: DiskPlan, inputs: SharedInputs, signal: EitherSignal
) -> PendingDisk:
    name = f"disk-{plan.disk.device_key}"
    folder = session.folder.task(name, session.run.attempt)
    _write_inputs(session, folder, plan, inputs)
    task = _backup_task(session, subject, plan, folder, name, inputs)
    result = run_task(session, lambda _: TaskDocument(backup_disk=task), signal)
    for warning in result.warnings:
        session.progress.message(f"{plan.disk.label}: {warning}", warning=True)
    return _pending(plan, result)


def _pending(plan: DiskPlan, result: TaskResult) -> PendingDisk:
    captured = CapturedDisk(
        disk=plan.disk,
        draft_key=result.draft,
        scope=plan.decision.scope,
        scope_reason=plan.decision.reason,
        parent=plan.parent,
        coverage=plan.areas.proof if plan.areas and plan.decision.since else None,
        expected_blocks=_blocks_in_scope(plan),
    )
    tracked = plan.areas.extents if plan.areas and plan.decision.audit_since else None
    return PendingDisk(captured, tracked, result)


def _blocks_in_scope(plan: DiskPlan) -> int | None:
    """How many blocks the draft must speak of, where the engine knows it."""
    if plan.decision.scope is not ReadScope.CHANGED or plan.areas is None:
        return None
    aligned = align_extents(plan.areas.extents, plan.block_size, plan.disk.capacity)
    return sum(-(-extent.length // plan.block_size) for extent in aligned)


def _write_inputs(session: RunSession, folder: Path, plan: DiskPlan, inputs: SharedInputs) -> None:
    os.link(inputs.index, folder / "index")
    if plan.parent is not None:
        parent = open_image(session.tools.repository, plan.parent.point, plan.parent.image)
        parent.write_parent(folder / "parent")
    if plan.decision.scope is ReadScope.CHANGED and plan.areas is not None:
        write_extents(folder / "extents", plan.areas.extents, plan.block_size, plan.disk.capacity)


def checkpoint_key(run: RunId, snapshot: ManagedObjectId, plan: DiskPlan) -> CheckpointKey:
    """What rows of this reading have in common with each other and with no others."""
    disk = plan.disk
    return CheckpointKey(
        run=run,
        snapshot=snapshot,
        backing_uuid=disk.backing_uuid,
        capacity=disk.capacity,
        change_id=str(disk.change_id) if disk.change_id else None,
        block_size=plan.block_size,
        device_key=disk.device_key,
        parent=plan.parent.point.id if plan.parent else None,
        scope=plan.decision.scope,
    )


def _backup_task(
    session: RunSession, subject: Snapshotted, plan: DiskPlan, folder: Path, name: str, inputs: SharedInputs
) -> BackupDiskTask:
    settings, disk = session.tools.settings, plan.disk
    return BackupDiskTask(
        folder=str(folder),
        repository=session.tools.repository_location,
        draft_prefix=draft_prefix(session.run.id, disk),
        access=session.access(subject.connection, subject.machine.moref, subject.snapshot.moref),
        disk_path=disk.backing,
        disk_label=disk.label,
        key=checkpoint_key(session.run.id, subject.snapshot.moref, plan),
        use_allocated_blocks=plan.decision.scope is ReadScope.ALLOCATED,
        workers=settings.workers,
        compression_level=settings.compression_level,
        lock_file=session.lock_file(name),
        lease_key=inputs.lease_key,
    )

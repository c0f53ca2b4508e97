"""Backups without vSphere: disks are dicts, everything from the codec down is the real thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from appliance.clock import Clock, ManualClock
from appliance.codec import BlockEncoder, block_digest, decode_block
from appliance.model.blocks import Segment, block_length
from appliance.model.change_tracking import ReadScope, ScopeReason
from appliance.model.disk_tasks import CheckpointKey
from appliance.model.identifiers import InstallationId, RunId
from appliance.model.recovery_points import Consistency, DiskStatistics, RecoveryPoint
from appliance.model.units import KIB
from appliance.model.virtual_machines import MachineConfiguration, MachineIdentity, VirtualDisk
from appliance.repository.commit import commit_recovery_point
from appliance.repository.draft_writer import DraftWriter
from appliance.repository.drafts import read_checkpoint
from appliance.repository.image_reader import open_image
from appliance.repository.layout import draft_prefix
from appliance.repository.leases import take_lease
from appliance.repository.point_draft import CapturedDisk, PointDraft
from appliance.repository.points import Parent, find_parent, list_points
from appliance.repository.repository import Repository
from appliance.repository.segment_reader import SegmentReader
from appliance.repository.segment_writer import SegmentWriter
from appliance.repository.task_files import BlockPlan, DigestIndex
from appliance.storage import ObjectStore

BLOCK_SIZE = 64 * KIB
MACHINE = MachineIdentity("a1b2c3d4-0000-4000-8000-000000000001", "5012a7c4-0000-4000-8000-000000000002")
INSTALLATION = InstallationId("0b8f6f0e4c2d4f5a9b3e7d6c5a4f3e2d")
MOMENT = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)

DiskContent = Mapping[int, bytes]
"""Block number to bytes; a block that is not there, or is all zero, is zero."""


def run_id(number: int) -> RunId:
    """The id of the n-th run: they sort as they were made."""
    return RunId(f"20261122T10{number // 60:02d}{number % 60:02d}Z-{number:08x}")


def block_of(seed: int, length: int = BLOCK_SIZE) -> bytes:
    """A block's bytes, half compressible, different for every seed; seed 0 is the zero block."""
    if seed == 0:
        return bytes(length)
    pattern = block_digest(seed.to_bytes(8, "little"))
    noise = b"".join(block_digest(pattern + bytes([number])) for number in range(64))
    return (noise + pattern * (length // len(pattern)))[:length]


def disk_of(
    capacity: int, device_key: int = 2000, backing_uuid: str = "6000C29a-0000-4000-8000-000000000003"
) -> VirtualDisk:
    """A disk as a snapshot shows it."""
    label = f"Hard disk {device_key - 1999}"
    return VirtualDisk(device_key, label, capacity, f"[nvme] web-01/{device_key}.vmdk", backing_uuid)


@dataclass(frozen=True, slots=True)
class DiskChange:
    """What a run sees of one disk: `changed` are all blocks that it looks at."""

    disk: VirtualDisk
    changed: DiskContent
    unchanged: DiskContent = field(default_factory=dict)
    scope: ReadScope = ReadScope.CHANGED


def write_draft(
    store: ObjectStore,
    run: RunId,
    change: DiskChange,
    index: DigestIndex | None = None,
    segment_length: int = 4 * BLOCK_SIZE,
    parent: Parent | None = None,
) -> str:
    """Leave a complete draft, going on from a checkpoint of the same run; the key of its document."""
    key = CheckpointKey(
        run=run,
        snapshot=f"snapshot-of-{run}",
        backing_uuid=change.disk.backing_uuid,
        capacity=change.disk.capacity,
        change_id=None,
        block_size=BLOCK_SIZE,
        device_key=change.disk.device_key,
        parent=parent.point.id if parent else None,
    )
    prefix = draft_prefix(run, change.disk)
    checkpoint = read_checkpoint(store, prefix, key)
    covered = {
        block
        for covered_range in checkpoint.covered
        for block in range(covered_range.first, covered_range.first + covered_range.count)
    }
    draft = DraftWriter(store, prefix, key, checkpoint)
    encoder = BlockEncoder()
    with SegmentWriter(store, draft.segment_durable, segment_length) as segments:
        for block, content in sorted(change.changed.items()):
            if block not in covered:
                _add_block(draft, segments, encoder, index, block, content)
        for block, content in sorted(change.unchanged.items()):
            if block not in covered:
                draft.add_unchanged(block, block_digest(content))
        segments.finish()
    return draft.finish(DiskStatistics(), "nbd")


def _add_block(
    draft: DraftWriter,
    segments: SegmentWriter,
    encoder: BlockEncoder,
    index: DigestIndex | None,
    block: int,
    content: bytes,
) -> None:
    if not any(content):
        draft.add_zero(block)
        return
    digest = block_digest(content)
    hit = index.find(digest) if index else None
    if hit is not None:
        draft.note_segment(hit.segment)
        draft.add_duplicate(block, digest, hit.location, 0)
        return
    encoded = encoder.encode(memoryview(content), digest)
    draft.add_stored(block, digest, segments.append(encoded), encoded.entropy)


def back_up(
    repository: Repository,
    run: RunId,
    changes: tuple[DiskChange, ...],
    clock: Clock | None = None,
    index: DigestIndex | None = None,
) -> RecoveryPoint:
    """One run from lease to manifest; every disk's parent is the newest point that holds it."""
    clock = clock or ManualClock()
    with take_lease(repository.store, clock, run, INSTALLATION) as lease:
        listing = list_points(repository, MACHINE)
        captured = tuple(
            CapturedDisk(
                change.disk,
                write_draft(repository.store, run, change, index, parent=parent),
                change.scope,
                ScopeReason.TRACKING_VALID,
                parent,
            )
            for change in changes
            for parent in [find_parent(listing, change.disk)]
        )
        return commit_recovery_point(repository, point_draft(run, captured), lease, clock)


def point_draft(run: RunId, captured: tuple[CapturedDisk, ...]) -> PointDraft:
    """What a run knows of its point."""
    return PointDraft(
        run=run,
        installation=INSTALLATION,
        machine=MACHINE,
        machine_name="web-01",
        machine_path="/Paris/vm/web-01",
        created_at=MOMENT,
        consistency=Consistency.CRASH,
        disks=captured,
        excluded_disks=(),
        configuration=MachineConfiguration('{"name": "web-01"}', b"vmx", b"nvram"),
        software="keepline test",
    )


def captured_disk(draft_key: str, disk: VirtualDisk, parent: Parent | None) -> CapturedDisk:
    """A disk whose draft was left by `write_draft`."""
    return CapturedDisk(disk, draft_key, ReadScope.CHANGED, ScopeReason.TRACKING_VALID, parent)


def restore(repository: Repository, point: RecoveryPoint, folder: Path) -> list[dict[int, bytes]]:
    """Every disk of a point, read by its plan file and decoded; zero blocks are left out."""
    disks = []
    for number, image in enumerate(point.images):
        path = folder / f"plan-{point.id}-{number}"
        open_image(repository, point, image).write_plan(path, include_zeros=False)
        with BlockPlan(path) as plan:
            disks.append(_read_plan(repository.store, plan))
        path.unlink()
    return disks


def _read_plan(store: ObjectStore, plan: BlockPlan) -> dict[int, bytes]:
    reader, blocks = SegmentReader(store), {}
    for row in plan.rows(0, len(plan)):
        length = block_length(row.block, plan.header.block_size, plan.header.capacity)
        content = bytearray(length)
        stored = reader.read(row.location)
        decode_block(stored, row.location.flags, row.digest, memoryview(content), f"block {row.block}")
        blocks[row.block] = bytes(content)
    return blocks


def segments_of(store: ObjectStore, point: RecoveryPoint, repository: Repository) -> tuple[Segment, ...]:
    """Every segment that the maps of a point name."""
    named = {segment for image in point.images for segment in open_image(repository, point, image).segments}
    return tuple(sorted(named, key=lambda segment: segment.id))

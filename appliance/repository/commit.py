"""Making a recovery point exist: THE write order (docs/repository-format.md, "Write order").

What is referred to becomes durable before what refers to it. A crash on any line leaves objects that no
manifest names, never a manifest with a hole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from blake3 import blake3

from appliance.clock import Clock
from appliance.errors import DamageError
from appliance.model.blocks import Segment, block_count_of
from appliance.model.change_tracking import CoverageProof, ReadScope, ScopeReason
from appliance.model.identifiers import InstallationId, RecoveryPointId, RunId, SegmentId
from appliance.model.recovery_points import (
    Consistency,
    DiskImage,
    ExcludedDisk,
    ObjectReference,
    RecoveryPoint,
    Tombstone,
    TombstoneReason,
)
from appliance.model.virtual_machines import MachineConfiguration, MachineIdentity, VirtualDisk
from appliance.repository.draft_parts import CheckedDraft, check_draft
from appliance.repository.drafts import read_draft
from appliance.repository.errors import (
    CondemnedReferenceError,
    DraftError,
    MissingSegmentError,
    PointWithdrawnError,
)
from appliance.repository.image_maps import ImageMaps, NewImage, write_first_maps, write_next_maps
from appliance.repository.layout import CONDEMNED, FORMAT, configuration_key, manifest_key, segment_key
from appliance.repository.leases import Lease
from appliance.repository.manifest import pack_manifest, read_manifest
from appliance.repository.points import Parent
from appliance.repository.repository import Repository
from appliance.repository.retirement import put_tombstone
from appliance.repository.sealed_documents import open_document
from appliance.storage import ObjectExistsError, ObjectStore


@dataclass(frozen=True, slots=True)
class CapturedDisk:
    """One disk that was read: its draft and why it was read the way it was.

    `parent` is the image the run compared with and asked change tracking against; the very one, not the
    newest at commit time. `expected_blocks` is the number of blocks in the scope, where the engine knows it.
    """

    disk: VirtualDisk
    draft_key: str
    scope: ReadScope
    scope_reason: ScopeReason
    parent: Parent | None
    coverage: CoverageProof | None = None
    expected_blocks: int | None = None


@dataclass(frozen=True, slots=True)
class PointDraft:
    """Everything a run knows of the point it is about to make."""

    run: RunId
    installation: InstallationId
    machine: MachineIdentity
    machine_name: str
    machine_path: str
    created_at: datetime
    consistency: Consistency
    disks: tuple[CapturedDisk, ...]
    excluded_disks: tuple[ExcludedDisk, ...]
    configuration: MachineConfiguration
    software: str

    @property
    def point(self) -> RecoveryPointId:
        """The id of the point: the run's."""
        return RecoveryPointId(self.run)


@dataclass(frozen=True, slots=True)
class _Condemned:
    """A list of segments about to be deleted."""

    format: str
    segments: tuple[SegmentId, ...]


def commit_recovery_point(
    repository: Repository, draft: PointDraft, lease: Lease, clock: Clock
) -> RecoveryPoint:
    """Make the point visible; it may be repeated, also after the point exists.

    Raises:
        DraftError, DamagedDraftError: a disk's draft is not complete, not this run's, or not whole.
        LeaseExpiredError, CondemnedReferenceError: what the run relied on may be deleted.
        MissingSegmentError: a segment of the point is gone; no point was made.
        PointWithdrawnError: a segment went while the point was put; it was withdrawn.
        RepositoryError: a write failed; no point was made, the drafts are still there.
    """
    store = repository.store
    if store.information(manifest_key(draft.machine.key, draft.point)) is not None:
        return read_manifest(store, draft.machine.key, draft.point)
    checked = [(captured, _checked_draft(store, draft, captured)) for captured in draft.disks]
    token = os.urandom(4).hex()
    written = [(captured, one, _write_maps(store, draft, captured, one, token)) for captured, one in checked]
    images = tuple(_image(captured, one, maps) for captured, one, maps in written)
    point = _point(repository, draft, images, token)
    segments = {segment.id: segment for _, _, maps in written for segment in maps.segments}
    lease.confirm()
    _refuse_condemned(store, segments)
    _require_segments(store, segments.values())
    return _publish(store, point, segments.values(), clock)


def _checked_draft(store: ObjectStore, draft: PointDraft, captured: CapturedDisk) -> CheckedDraft:
    found = read_draft(store, captured.draft_key)
    mine = (draft.run, captured.disk.backing_uuid, captured.disk.capacity)
    if (found.key.run, found.key.backing_uuid, found.key.capacity) != mine:
        raise DraftError(f"the draft {captured.draft_key} is not of {captured.disk.label} in run {draft.run}")
    expected = captured.expected_blocks
    if captured.scope is ReadScope.EVERYTHING:
        expected = block_count_of(found.key.capacity, found.key.block_size)
    return check_draft(store, found, expected)


def _write_maps(
    store: ObjectStore, draft: PointDraft, captured: CapturedDisk, checked: CheckedDraft, token: str
) -> ImageMaps:
    new = NewImage(store, draft.machine.key, captured.disk, draft.point, token, checked)
    try:
        if captured.parent is None:
            return write_first_maps(new)
        return write_next_maps(new, captured.parent.point, captured.parent.image)
    except ValueError as error:
        raise DraftError(f"the draft of {captured.disk.label} in run {draft.run}: {error}") from error


def _image(captured: CapturedDisk, checked: CheckedDraft, maps: ImageMaps) -> DiskImage:
    return DiskImage(
        disk=captured.disk,
        block_size=checked.draft.key.block_size,
        block_maps=maps.block_maps,
        scope=captured.scope,
        scope_reason=captured.scope_reason,
        statistics=checked.draft.statistics,
        transport_mode=checked.draft.transport_mode,
        coverage=captured.coverage,
        parent=captured.parent.point.id if captured.parent else None,
    )


def _point(
    repository: Repository, draft: PointDraft, images: tuple[DiskImage, ...], token: str
) -> RecoveryPoint:
    configuration = draft.configuration
    return RecoveryPoint(
        id=draft.point,
        repository=repository.identity.repository,
        installation=draft.installation,
        machine=draft.machine,
        machine_name=draft.machine_name,
        machine_path=draft.machine_path,
        created_at=draft.created_at,
        consistency=draft.consistency,
        images=images,
        excluded_disks=draft.excluded_disks,
        configuration=_put_part(repository.store, draft, token, "json", configuration.document.encode()),
        vmx=_put_optional_part(repository.store, draft, token, "vmx", configuration.vmx),
        nvram=_put_optional_part(repository.store, draft, token, "nvram", configuration.nvram),
        software=draft.software,
    )


def _put_part(
    store: ObjectStore, draft: PointDraft, token: str, suffix: str, content: bytes
) -> ObjectReference:
    key = configuration_key(draft.machine.key, draft.point, token, suffix)
    store.put_new(key, content)
    return ObjectReference(key, len(content), blake3(content).hexdigest())


def _put_optional_part(
    store: ObjectStore, draft: PointDraft, token: str, suffix: str, content: bytes | None
) -> ObjectReference | None:
    return None if content is None else _put_part(store, draft, token, suffix, content)


def _refuse_condemned(store: ObjectStore, segments: dict[SegmentId, Segment]) -> None:
    for key in [found.key for found in store.list(CONDEMNED)]:
        condemned = open_document(_Condemned, store.read(key), key)
        hit = next((segment for segment in condemned.segments if segment in segments), None)
        if hit is not None:
            raise CondemnedReferenceError(f"segment {hit} is condemned by {key}")


def _require_segments(store: ObjectStore, segments: Iterable[Segment]) -> None:
    for segment in segments:
        information = store.information(segment_key(segment.id))
        if information is None or information.length != segment.length:
            found = "is missing" if information is None else f"has {information.length} bytes"
            raise MissingSegmentError(f"segment {segment.id} {found}; it should have {segment.length} bytes")


def _publish(
    store: ObjectStore, point: RecoveryPoint, segments: Iterable[Segment], clock: Clock
) -> RecoveryPoint:
    try:
        store.put_new(manifest_key(point.machine.key, point.id), pack_manifest(point))  # commit point
    except ObjectExistsError:
        return read_manifest(store, point.machine.key, point.id)
    try:
        _require_segments(store, segments)
    except DamageError as error:
        tombstone = Tombstone(
            FORMAT, point.machine.key, point.id, clock.now(), TombstoneReason.WITHDRAWN, str(error)
        )
        put_tombstone(store, tombstone)
        raise PointWithdrawnError(f"point {point.id} of {point.machine_name} was withdrawn: {error}") from error
    return point

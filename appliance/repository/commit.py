"""Making a recovery point exist: THE write order (docs/repository-format.md, "Write order").

What is referred to becomes durable before what refers to it. A crash on any line leaves objects that no
manifest names, never a manifest with a hole.
"""

from __future__ import annotations

import os

from blake3 import blake3

from appliance.clock import Clock
from appliance.model.blocks import block_count_of
from appliance.model.change_tracking import ReadScope
from appliance.model.recovery_points import DiskImage, ObjectReference, RecoveryPoint
from appliance.repository.draft_parts import CheckedDraft, check_draft
from appliance.repository.drafts import read_draft
from appliance.repository.errors import DraftError
from appliance.repository.image_maps import ImageMaps, NewImage, write_first_maps, write_next_maps
from appliance.repository.layout import configuration_key
from appliance.repository.leases import Lease
from appliance.repository.point_draft import CapturedDisk, PointDraft
from appliance.repository.publication import find_published, publish_point
from appliance.repository.repository import Repository
from appliance.storage import ObjectStore


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
    published = find_published(store, draft.machine.key, draft.point, clock)
    if published is not None:
        return published
    checked = [(captured, _checked_draft(store, draft, captured)) for captured in draft.disks]
    token = os.urandom(4).hex()
    written = [(captured, one, _write_maps(store, draft, captured, one, token)) for captured, one in checked]
    images = tuple(_image(captured, one, maps) for captured, one, maps in written)
    point = _point(repository, draft, images, token)
    segments = {segment.id: segment for _, _, maps in written for segment in maps.segments}
    publish_point(store, point, segments, lease, clock)
    return point


def _checked_draft(store: ObjectStore, draft: PointDraft, captured: CapturedDisk) -> CheckedDraft:
    found = read_draft(store, captured.draft_key)
    disk, parent = captured.disk, captured.parent.point.id if captured.parent else None
    mine = (draft.run, disk.backing_uuid, disk.device_key, disk.capacity)
    if (found.key.run, found.key.backing_uuid, found.key.device_key, found.key.capacity) != mine:
        raise DraftError(f"the draft {captured.draft_key} is not of {disk.label} in run {draft.run}")
    if found.key.parent != parent:
        message = f"the draft {captured.draft_key} was compared with point {found.key.parent}, not {parent}"
        raise DraftError(message)
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

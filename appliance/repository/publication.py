"""The last step of a commit, with the checks on both sides of it.

docs/repository-format.md, "Write order": *check* → manifest → *check again*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from appliance.catalog import open_block_map
from appliance.clock import Clock
from appliance.errors import DamageError
from appliance.model.blocks import Segment
from appliance.model.identifiers import RecoveryPointId, SegmentId
from appliance.model.recovery_points import RecoveryPoint, Tombstone, TombstoneReason
from appliance.repository.errors import (
    CondemnedReferenceError,
    PointWithdrawnError,
)
from appliance.repository.layout import CONDEMNED, FORMAT, manifest_key, tombstone_key
from appliance.repository.leases import Lease
from appliance.repository.manifest import pack_manifest, place_of, read_manifest
from appliance.repository.retirement import put_tombstone
from appliance.repository.sealed_documents import open_document
from appliance.repository.segment_reader import require_segments
from appliance.storage import ObjectExistsError, ObjectStore


@dataclass(frozen=True, slots=True)
class _Condemned:
    """A list of segments about to be deleted."""

    format: str
    segments: tuple[SegmentId, ...]


def publish_point(
    store: ObjectStore,
    point: RecoveryPoint,
    segments: Mapping[SegmentId, Segment],
    lease: Lease,
    clock: Clock,
) -> None:
    """Put the manifest of a point whose objects are durable; `segments` are all that its maps name."""
    lease.confirm()
    _refuse_condemned(store, segments)
    require_segments(store, segments.values())
    try:
        store.put_new(manifest_key(point.machine.key, point.id), pack_manifest(point))  # commit point
    except ObjectExistsError:
        # The same run's, put by an attempt whose answer was lost: it is looked at like any other.
        point = read_manifest(store, point.machine.key, point.id)
    confirm_published(store, point, clock)


def find_published(
    store: ObjectStore, machine_key: str, point_id: RecoveryPointId, clock: Clock
) -> RecoveryPoint | None:
    """The point that an earlier attempt has made, checked again; None where there is none.

    Raises:
        PointWithdrawnError: it was withdrawn, or is now.
    """
    if store.information(manifest_key(machine_key, point_id)) is None:
        return None
    point = read_manifest(store, machine_key, point_id)
    confirm_published(store, point, clock)
    return point


def confirm_published(store: ObjectStore, point: RecoveryPoint, clock: Clock) -> None:
    """Look once more whether all that the point's own maps name is there; withdraw it if not.

    Raises:
        PointWithdrawnError: something was gone; the point has a tombstone now.
    """
    key = tombstone_key(point.machine.key, point.id)
    if store.information(key) is not None:
        tombstone = open_document(Tombstone, store.read(key), key)
        message = f"point {point.id} of {point.machine_name} was {tombstone.reason}: {tombstone.explanation}"
        raise PointWithdrawnError(message)
    try:
        require_segments(store, _segments_of_own_maps(store, point))
    except DamageError as error:
        reason = TombstoneReason.WITHDRAWN
        put_tombstone(store, Tombstone(FORMAT, point.machine.key, point.id, clock.now(), reason, str(error)))
        message = f"point {point.id} of {point.machine_name} was withdrawn: {error}"
        raise PointWithdrawnError(message) from error


def _segments_of_own_maps(store: ObjectStore, point: RecoveryPoint) -> Iterator[Segment]:
    for image in point.images:
        for reference in image.block_maps:
            if reference.point == point.id:
                yield from open_block_map(store, reference, place_of(point, image)).segments


def _refuse_condemned(store: ObjectStore, segments: Mapping[SegmentId, Segment]) -> None:
    for key in [found.key for found in store.list(CONDEMNED)]:
        condemned = open_document(_Condemned, store.read(key), key)
        hit = next((segment for segment in condemned.segments if segment in segments), None)
        if hit is not None:
            raise CondemnedReferenceError(f"segment {hit} is condemned by {key}")

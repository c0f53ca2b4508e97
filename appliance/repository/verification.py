"""Is everything there? The structure of a repository, checked from the manifests down.

Reads no block: that is a mover's task, from plan files. Findings are values, not exceptions: one damaged
point must not hide the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from blake3 import blake3

from appliance.errors import DamageError
from appliance.model.blocks import Segment
from appliance.model.identifiers import RecoveryPointId, SegmentId
from appliance.model.recovery_points import DiskImage, ObjectReference, RecoveryPoint
from appliance.repository.errors import DamagedObjectError
from appliance.repository.image_reader import open_image
from appliance.repository.points import list_points
from appliance.repository.repository import Repository
from appliance.repository.segment_reader import SegmentReader
from appliance.storage import ObjectMissingError, ObjectStore


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and which disk of which point it hurts; `disk` is empty for all of it."""

    machine: str
    disk: str
    point: RecoveryPointId
    explanation: str

    def __str__(self) -> str:
        disk = f" / {self.disk}" if self.disk else ""
        return f"{self.machine}{disk} at {self.point}: {self.explanation}"


def iter_findings(repository: Repository) -> Iterator[Finding]:
    """Everything that keeps a listed point from being whole, machine by machine, oldest point first."""
    listing = list_points(repository)
    for damaged in listing.damaged:
        yield Finding(damaged.machine_key, "", damaged.point, damaged.explanation)
    segments = _SegmentChecks(SegmentReader(repository.store))
    for listed in listing.points:
        yield from _point_findings(repository, listed.point, segments)


class _SegmentChecks:
    """Looks at every segment once, however many points name it."""

    def __init__(self, reader: SegmentReader) -> None:
        self._reader = reader
        self._results: dict[SegmentId, str] = {}

    def result(self, segment: Segment) -> str:
        """What is wrong with the segment; empty where nothing is."""
        if segment.id not in self._results:
            self._results[segment.id] = self._check(segment)
        return self._results[segment.id]

    def _check(self, segment: Segment) -> str:
        try:
            self._reader.check(segment)
        except DamageError as error:
            return str(error)
        return ""


def _point_findings(
    repository: Repository, point: RecoveryPoint, segments: _SegmentChecks
) -> Iterator[Finding]:
    for reference in (point.configuration, point.vmx, point.nvram):
        if reference is not None and (explanation := _object_damage(repository.store, reference)):
            yield Finding(point.machine_name, "", point.id, explanation)
    for image in point.images:
        for explanation in _image_damages(repository, point, image, segments):
            yield Finding(point.machine_name, image.disk.label, point.id, explanation)


def _image_damages(
    repository: Repository, point: RecoveryPoint, image: DiskImage, segments: _SegmentChecks
) -> Iterator[str]:
    try:
        reader = open_image(repository, point, image)
    except DamageError as error:
        yield str(error)
        return
    yield from filter(None, (segments.result(segment) for segment in reader.segments))


def _object_damage(store: ObjectStore, reference: ObjectReference) -> str:
    try:
        read_referenced(store, reference)
    except DamageError as error:
        return str(error)
    return ""


def read_referenced(store: ObjectStore, reference: ObjectReference) -> bytes:
    """The bytes of an object that a manifest names, proven whole.

    Raises:
        ObjectMissingError, DamagedObjectError: it is gone, or not what was written.
    """
    try:
        content = store.read(reference.key)
    except ObjectMissingError as error:
        raise DamagedObjectError(f"{reference.key} is missing") from error
    if len(content) != reference.length:
        raise DamagedObjectError(f"{reference.key} has {len(content)} bytes instead of {reference.length}")
    if blake3(content).hexdigest() != reference.digest:
        raise DamagedObjectError(f"{reference.key} is not what was written")
    return content

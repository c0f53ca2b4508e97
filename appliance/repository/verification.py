"""Is everything there? The structure of a repository, checked from the manifests down.

Reads no block: that is a mover's task, from plan files. Findings are values, not exceptions: one damaged
point must not hide the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from blake3 import blake3

from appliance.catalog import open_block_map
from appliance.errors import DamageError
from appliance.model.blocks import Segment
from appliance.model.identifiers import RecoveryPointId, SegmentId
from appliance.model.recovery_points import BlockMapReference, ObjectReference, RecoveryPoint
from appliance.repository.errors import DamagedObjectError
from appliance.repository.manifest import place_of
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
    checks = _Checks(repository.store)
    for listed in listing.points:
        yield from _point_findings(repository.store, listed.point, checks)


@dataclass(frozen=True, slots=True)
class _MapCheck:
    """What was found of one map: what is wrong with it, or what it names."""

    explanation: str
    segments: tuple[Segment, ...]


class _Checks:
    """Looks at every map and every segment once, however many points name it."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._reader = SegmentReader(store)
        self._maps: dict[str, _MapCheck] = {}
        self._segments: dict[SegmentId, str] = {}

    def explain(self, reference: BlockMapReference, place: str) -> Iterator[str]:
        """What is wrong with a map and with the segments it names."""
        if reference.object.key not in self._maps:
            self._maps[reference.object.key] = self._check_map(reference, place)
        found = self._maps[reference.object.key]
        if found.explanation:
            yield found.explanation
        yield from filter(None, (self._explain_segment(segment) for segment in found.segments))

    def _check_map(self, reference: BlockMapReference, place: str) -> _MapCheck:
        try:
            return _MapCheck("", open_block_map(self._store, reference, place).segments)
        except DamageError as error:
            return _MapCheck(str(error), ())

    def _explain_segment(self, segment: Segment) -> str:
        if segment.id not in self._segments:
            self._segments[segment.id] = self._check_segment(segment)
        return self._segments[segment.id]

    def _check_segment(self, segment: Segment) -> str:
        try:
            self._reader.check(segment)
        except DamageError as error:
            return str(error)
        return ""


def _point_findings(store: ObjectStore, point: RecoveryPoint, checks: _Checks) -> Iterator[Finding]:
    for reference in (point.configuration, point.vmx, point.nvram):
        if reference is not None and (explanation := _object_damage(store, reference)):
            yield Finding(point.machine_name, "", point.id, explanation)
    for image in point.images:
        place = place_of(point, image)
        explanations = {text: None for one in image.block_maps for text in checks.explain(one, place)}
        for explanation in explanations:
            yield Finding(point.machine_name, image.disk.label, point.id, explanation)


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

"""Which points there are, told from their keys alone: no manifest is read, so it stays quick with many."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import RecoveryPoint
from appliance.repository.layout import MANIFESTS, TOMBSTONES, manifest_key
from appliance.repository.manifest import unpack_manifest
from appliance.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class PointKeys:
    """The points of each machine (by its identity key) that are offered, oldest first."""

    by_machine: dict[str, tuple[RecoveryPointId, ...]]


def list_point_keys(repository: Repository) -> PointKeys:
    """Every point with a manifest and without a tombstone. Ids begin with their time, so they sort by it."""
    retired = _names_under(repository, TOMBSTONES)
    found: dict[str, list[RecoveryPointId]] = {}
    for machine, point in sorted(_names_under(repository, MANIFESTS) - retired):
        found.setdefault(machine, []).append(point)
    return PointKeys({machine: tuple(points) for machine, points in found.items()})


def read_point(repository: Repository, machine: str, point: RecoveryPointId) -> RecoveryPoint:
    """The point of a machine (its identity key), read from its one place without a search.

    Raises:
        ObjectMissingError: there is none.
        DamagedManifestError: its manifest is not what was written.
    """
    key = manifest_key(machine, point)
    return unpack_manifest(key, repository.store.read(key))


def _names_under(repository: Repository, kind: str) -> set[tuple[str, RecoveryPointId]]:
    """Machine and point of each `<kind>/<machine>/<point>.json`."""
    names = set()
    for found in repository.store.list(kind):
        machine, _, point = found.key.removeprefix(kind).partition("/")
        names.add((machine, RecoveryPointId(point.removesuffix(".json"))))
    return names

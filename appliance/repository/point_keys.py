"""Which points there are, told from their keys alone: no manifest is read, so it stays quick with many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import RecoveryPoint
from appliance.repository.layout import MANIFESTS, TOMBSTONES, manifest_key
from appliance.repository.manifest import unpack_manifest
from appliance.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class PointIds:
    """The ids of one machine's points, packed: ten thousand machines have hundreds of thousands."""

    packed: bytes

    @classmethod
    def of(cls, ids: Iterable[RecoveryPointId]) -> PointIds:
        """These ids."""
        return cls("".join(f"{each}\n" for each in ids).encode())

    def __len__(self) -> int:
        return self.packed.count(b"\n")

    def newest_first(self) -> tuple[RecoveryPointId, ...]:
        """All of them; ids begin with their time, so they sort by it."""
        return tuple(map(RecoveryPointId, sorted(self.packed.decode().splitlines(), reverse=True)))


@dataclass(frozen=True, slots=True)
class PointKeys:
    """The points of each machine (by its identity key) that are offered."""

    by_machine: dict[str, PointIds]


def list_point_keys(repository: Repository) -> PointKeys:
    """Every point with a manifest and without a tombstone."""
    retired = set(_iter_names(repository, TOMBSTONES))
    found: dict[str, bytearray] = {}
    for machine, point in _iter_names(repository, MANIFESTS):
        if (machine, point) not in retired:
            found.setdefault(machine, bytearray()).extend(f"{point}\n".encode())
    return PointKeys({machine: PointIds(bytes(packed)) for machine, packed in found.items()})


def read_point(repository: Repository, machine: str, point: RecoveryPointId) -> RecoveryPoint:
    """The point of a machine (its identity key), read from its one place without a search.

    Raises:
        ObjectMissingError: there is none.
        DamagedManifestError: its manifest is not what was written.
    """
    key = manifest_key(machine, point)
    return unpack_manifest(key, repository.store.read(key))


def _iter_names(repository: Repository, kind: str) -> Iterator[tuple[str, RecoveryPointId]]:
    """Yield machine and point of each `<kind>/<machine>/<point>.json`: there are hundreds of thousands."""
    for found in repository.store.list(kind):
        machine, _, point = found.key.removeprefix(kind).partition("/")
        yield machine, RecoveryPointId(point.removesuffix(".json"))

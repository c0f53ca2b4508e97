"""Which recovery points there are: damaged ones named, retired ones left out, doubtful ones marked."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.model.identifiers import RecoveryPointId, RunId
from appliance.model.recovery_points import DiskImage, RecoveryPoint, SuspectMark, Tombstone, TombstoneReason
from appliance.model.virtual_machines import MachineIdentity, VirtualDisk
from appliance.repository.errors import DamagedManifestError, DamagedObjectError, PointNotFoundError
from appliance.repository.layout import (
    FORMAT,
    MANIFESTS,
    SUSPECTS,
    TOMBSTONES,
    disk_key,
    manifests_prefix,
)
from appliance.repository.manifest import unpack_manifest
from appliance.repository.repository import Repository
from appliance.repository.sealed_documents import open_document
from appliance.storage import ObjectInformation, ObjectMissingError


@dataclass(frozen=True, slots=True)
class ListedPoint:
    """A point and what was said about it since it was made."""

    point: RecoveryPoint
    suspect_marks: tuple[SuspectMark, ...] = ()
    tombstone: Tombstone | None = None


@dataclass(frozen=True, slots=True)
class DamagedManifest:
    """A manifest that cannot be believed: what its key still says, and what is wrong."""

    machine_key: str
    point: RecoveryPointId
    explanation: str


@dataclass(frozen=True, slots=True)
class PointListing:
    """Points, oldest first within each machine; nothing that lies under a manifest's key is left out."""

    points: tuple[ListedPoint, ...]
    damaged: tuple[DamagedManifest, ...]


def list_points(repository: Repository, machine: MachineIdentity | None = None) -> PointListing:
    """Every point of one machine, or of all, that is offered: retired and withdrawn ones are left out."""
    everything = list_points_with_retired(repository, machine)
    offered = tuple(listed for listed in everything.points if listed.tombstone is None)
    return PointListing(offered, everything.damaged)


def list_points_with_retired(repository: Repository, machine: MachineIdentity | None = None) -> PointListing:
    """Every point of one machine, or of all, with its tombstone where it has one."""
    prefix = manifests_prefix(machine.key) if machine else MANIFESTS
    points: list[ListedPoint] = []
    damaged: list[DamagedManifest] = []
    marks, tombstones = _suspect_marks(repository), _tombstones(repository)
    for key in [found.key for found in repository.store.list(prefix)]:
        machine_key, point_id = _parts_of(key)
        try:
            point = unpack_manifest(key, repository.store.read(key))
        except (DamagedManifestError, ObjectMissingError) as error:
            damaged.append(DamagedManifest(machine_key, point_id, str(error)))
            continue
        name = (machine_key, point_id)
        tombstone = _tombstone(repository, tombstones.get(name))
        points.append(ListedPoint(point, tuple(marks.get(name, ())), tombstone))
    return PointListing(tuple(points), tuple(damaged))


def find_point(repository: Repository, point_id: RecoveryPointId) -> ListedPoint:
    """The point of that id, of whichever machine, retired or not.

    Raises:
        PointNotFoundError: there is none.
        DamagedManifestError: its manifest is not what was written.
    """
    for found in repository.store.list(MANIFESTS):
        machine_key, candidate = _parts_of(found.key)
        if candidate == point_id:
            point = unpack_manifest(found.key, repository.store.read(found.key))
            marks = _suspect_marks(repository).get((machine_key, point_id), ())
            tombstone = _tombstone(repository, _tombstones(repository).get((machine_key, point_id)))
            return ListedPoint(point, tuple(marks), tombstone)
    raise PointNotFoundError(f"there is no recovery point {point_id} in this repository")


@dataclass(frozen=True, slots=True)
class Parent:
    """The newest point that holds a disk, and that disk's image in it."""

    point: RecoveryPoint
    image: DiskImage


def find_parent(listing: PointListing, disk: VirtualDisk) -> Parent | None:
    """What the next point of `disk` builds on; `listing` is that of its machine.

    Told by backing UUID. The device key counts where the backing has none, and where a point holds several
    disks of one UUID: copies of one disk file, none of which may be taken for another.
    """
    for listed in reversed(listing.points):
        alike = [image for image in listed.point.images if disk_key(image.disk) == disk_key(disk)]
        same = [image for image in alike if image.disk.device_key == disk.device_key]
        if same or len(alike) == 1:
            return Parent(listed.point, (same or alike)[0])
    return None


def _parts_of(key: str) -> tuple[str, RecoveryPointId]:
    """Machine and point of `<kind>/<machine>/<point>…`."""
    words = key.split("/")
    return words[1], RecoveryPointId(words[2].removesuffix(".json"))


def _suspect_marks(repository: Repository) -> dict[tuple[str, RecoveryPointId], list[SuspectMark]]:
    marks: dict[tuple[str, RecoveryPointId], list[SuspectMark]] = {}
    for found in list(repository.store.list(SUSPECTS)):
        marks.setdefault(_parts_of(found.key), []).append(_suspect_mark(repository, found))
    return marks


def _suspect_mark(repository: Repository, found: ObjectInformation) -> SuspectMark:
    """What the mark says; a damaged one says by its key that the point is doubtful, and hides no point."""
    try:
        return open_document(SuspectMark, repository.store.read(found.key), found.key)
    except DamagedObjectError as error:
        machine_key, point = _parts_of(found.key)
        run = RunId(found.key.rpartition("/")[2].removesuffix(".json"))
        return SuspectMark(FORMAT, machine_key, point, run, found.modified, str(error), ())


def _tombstones(repository: Repository) -> dict[tuple[str, RecoveryPointId], ObjectInformation]:
    return {_parts_of(found.key): found for found in repository.store.list(TOMBSTONES)}


def _tombstone(repository: Repository, found: ObjectInformation | None) -> Tombstone | None:
    """What it says; a damaged one says by its key that the point is not offered, and hides no other."""
    if found is None:
        return None
    try:
        return open_document(Tombstone, repository.store.read(found.key), found.key)
    except DamagedObjectError as error:
        name = _parts_of(found.key)
        return Tombstone(FORMAT, *name, found.modified, TombstoneReason.RETIRED, str(error))

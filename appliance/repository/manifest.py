"""Recovery points as manifests, and back."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import DiskImage, RecoveryPoint
from appliance.repository.errors import (
    DamagedManifestError,
    DamagedObjectError,
    PointNotFoundError,
    RepositoryFormatError,
)
from appliance.repository.layout import FORMAT, manifest_key
from appliance.repository.sealed_documents import open_document, seal_document
from appliance.storage import ObjectMissingError, ObjectStore


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The document of a manifest."""

    format: str
    point: RecoveryPoint


def pack_manifest(point: RecoveryPoint) -> bytes:
    """The bytes of the object that makes `point` exist."""
    return seal_document(_Manifest(FORMAT, point))


def unpack_manifest(key: str, content: bytes) -> RecoveryPoint:
    """The point that the object `key` describes.

    Raises:
        DamagedManifestError: the bytes are not what was written, or lie under another point's key.
    """
    try:
        point = open_document(_Manifest, content, key).point
    except (DamagedObjectError, RepositoryFormatError) as error:
        raise DamagedManifestError(f"{error}") from error
    if manifest_key(point.machine.key, point.id) != key:
        raise DamagedManifestError(f"{key} holds the manifest of point {point.id} of {point.machine_name}")
    return point


def read_manifest(store: ObjectStore, machine_key: str, point: RecoveryPointId) -> RecoveryPoint:
    """The point of that machine.

    Raises:
        PointNotFoundError: there is none.
        DamagedManifestError: its manifest is not what was written.
    """
    key = manifest_key(machine_key, point)
    try:
        return unpack_manifest(key, store.read(key))
    except ObjectMissingError as error:
        raise PointNotFoundError(f"there is no recovery point {point} of this machine") from error


def place_of(point: RecoveryPoint, image: DiskImage) -> str:
    """Machine, disk and point in the words of an error."""
    return f"{point.machine_name} / {image.disk.label} at {point.id}"

"""The image a run builds on; pure (rule 2 of docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.model.recovery_points import DiskImage, RecoveryPoint
from appliance.model.virtual_machines import VirtualDisk


@dataclass(frozen=True, slots=True)
class Parent:
    """The newest committed image of a disk, and the point that holds it."""

    point: RecoveryPoint
    image: DiskImage


def parent_of(disk: VirtualDisk, points: Iterable[RecoveryPoint]) -> Parent | None:
    """The newest image of `disk` among one machine's points (any order), or None for a first one.

    The backing's UUID decides. The device key is a hint for a disk whose backing was replaced: a safe
    full can still build on that image, because it believes nothing that it has not read.
    """
    newest_first = sorted(points, key=lambda point: (point.created_at, point.id), reverse=True)
    return _by_backing(disk, newest_first) or _by_device_key(disk, newest_first)


def _by_backing(disk: VirtualDisk, points: list[RecoveryPoint]) -> Parent | None:
    if not disk.backing_uuid:
        return None
    wanted = disk.backing_uuid.lower()
    return next(
        (
            Parent(point, image)
            for point in points
            for image in point.images
            if image.disk.backing_uuid.lower() == wanted
        ),
        None,
    )


def _by_device_key(disk: VirtualDisk, points: list[RecoveryPoint]) -> Parent | None:
    return next(
        (
            Parent(point, image)
            for point in points
            for image in point.images
            if image.disk.device_key == disk.device_key
        ),
        None,
    )

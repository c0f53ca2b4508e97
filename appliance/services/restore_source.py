"""What a point says of its machine beside its disks: where it was, and what its cards were on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.model.recovery_points import RecoveryPoint
from appliance.vsphere import CapturedPlace, CreationOptions, creation_plan


@dataclass(frozen=True, slots=True)
class RestoreSource:
    """`place` by inventory paths of the old vCenter; `warnings` name what a new machine will lack."""

    place: CapturedPlace
    networks: tuple[str, ...]
    warnings: tuple[str, ...]


def source_of(point: RecoveryPoint, document: str) -> RestoreSource:
    """What the configuration kept with a point tells, asked as the restore itself will ask it.

    Raises:
        ConfigurationUnreadableError: the document is not one of ours, or lacks what a machine needs.
    """
    keys = frozenset(image.disk.device_key for image in point.images)
    plan = creation_plan(document, CreationOptions(point.machine_name, device_keys=keys))
    networks = dict.fromkeys(name for _, name in plan.networks)
    return RestoreSource(plan.place, tuple(networks), plan.warnings)

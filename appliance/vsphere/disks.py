"""From vSphere's list of devices to the model's disks; pure, and the only place that does it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from pyVmomi import vim

from appliance.model.change_tracking import ChangeId
from appliance.model.units import KIB
from appliance.model.virtual_machines import ExclusionReason, VirtualDisk

log = logging.getLogger(__name__)

_Disk = vim.vm.device.VirtualDisk
_Device = vim.vm.device.VirtualDevice

# The backings snapshots and change tracking know (vSphere API reference, "VirtualDisk*BackingInfo.changeId").
_FILE_BACKINGS = (_Disk.FlatVer2BackingInfo, _Disk.SeSparseBackingInfo, _Disk.SparseVer2BackingInfo)
_RAW_BACKINGS = (_Disk.RawDiskMappingVer1BackingInfo,)


def virtual_disks(devices: Iterable[vim.vm.device.VirtualDevice]) -> tuple[VirtualDisk, ...]:
    """The disks among a machine's devices, in the order of their keys.

    Change ids are taken as they stand: only those of a snapshot's configuration mean anything, so callers
    that pass a running machine's devices use `without_change_ids`.
    """
    all_devices = list(devices)
    controllers = {device.key: device for device in all_devices}
    disks = [device for device in all_devices if isinstance(device, _Disk)]
    return tuple(virtual_disk(disk, controllers) for disk in sorted(disks, key=lambda disk: disk.key))


def virtual_disk(disk: vim.vm.device.VirtualDisk, controllers: Mapping[int, _Device]) -> VirtualDisk:
    """One disk as the model has it, with the reason when no snapshot can hold it."""
    backing = disk.backing
    return VirtualDisk(
        device_key=int(disk.key),
        label=disk.deviceInfo.label if disk.deviceInfo is not None else f"Disk {disk.key}",
        # Servers older than 5.5 have no capacityInBytes.
        # pyVmomi answers its own subclass of int, which no JSON encoder of ours takes.
        capacity=int(disk.capacityInBytes or disk.capacityInKB * KIB),
        backing=getattr(backing, "fileName", None) or "",
        backing_uuid=getattr(backing, "uuid", None) or "",
        change_id=_change_id(disk.key, getattr(backing, "changeId", None)),
        exclusion=_exclusion(disk, controllers),
    )


def without_change_ids(disks: Iterable[VirtualDisk]) -> tuple[VirtualDisk, ...]:
    """The same disks without change ids: the running machine's lag behind the truth."""
    return tuple(
        VirtualDisk(
            disk.device_key,
            disk.label,
            disk.capacity,
            disk.backing,
            disk.backing_uuid,
            None,
            disk.exclusion,
        )
        for disk in disks
    )


def _change_id(device_key: int, text: str | None) -> ChangeId | None:
    if not text:
        return None
    try:
        return ChangeId.parse(text)
    except ValueError:
        # Like no change id at all: the disk is read as a whole, which is always right.
        log.warning("change id was not readable", extra={"device_key": device_key, "change_id": text})
        return None


def _exclusion(disk: vim.vm.device.VirtualDisk, controllers: Mapping[int, _Device]) -> ExclusionReason | None:
    backing = disk.backing
    if not isinstance(backing, _FILE_BACKINGS + _RAW_BACKINGS):
        return ExclusionReason.UNKNOWN_BACKING
    if str(backing.diskMode or "").startswith("independent"):
        return ExclusionReason.INDEPENDENT
    if isinstance(backing, _RAW_BACKINGS) and backing.compatibilityMode == "physicalMode":
        return ExclusionReason.PHYSICAL_RAW_DEVICE
    if getattr(backing, "sharing", None) == "sharingMultiWriter" or _bus_is_shared(disk, controllers):
        return ExclusionReason.MULTI_WRITER
    return None


def _bus_is_shared(disk: vim.vm.device.VirtualDisk, controllers: Mapping[int, _Device]) -> bool:
    controller = controllers.get(disk.controllerKey or 0)
    return getattr(controller, "sharedBus", "noSharing") not in {None, "noSharing"}

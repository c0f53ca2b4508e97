"""Where a disk sits in a machine: the same words for a planned machine and for one that exists; pure."""

from __future__ import annotations

from collections.abc import Iterable

from pyVmomi import vim

_BUSES: tuple[tuple[type[vim.vm.device.VirtualController], str], ...] = (
    (vim.vm.device.VirtualSCSIController, "scsi"),
    (vim.vm.device.VirtualAHCIController, "sata"),
    (vim.vm.device.VirtualNVMEController, "nvme"),
    (vim.vm.device.VirtualIDEController, "ide"),
)

# The keys of the two IDE controllers every machine has.
DEFAULT_IDE_BUSES = {200: "ide0", 201: "ide1"}


def disk_addresses(devices: Iterable[vim.vm.device.VirtualDevice]) -> dict[int, str]:
    """The address of every disk by its key, `scsi0:1` as in a .vmx; disks without a known bus are missing."""
    known = list(devices)
    buses = dict(DEFAULT_IDE_BUSES)
    for device in known:
        for kind, word in _BUSES:
            if isinstance(device, kind):
                buses[device.key] = f"{word}{device.busNumber}"
    return {
        disk.key: f"{buses[disk.controllerKey]}:{disk.unitNumber}"
        for disk in known
        if isinstance(disk, vim.vm.device.VirtualDisk) and disk.controllerKey in buses
    }

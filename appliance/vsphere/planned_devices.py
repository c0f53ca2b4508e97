"""One function a device kind: from a captured device to the one a new machine gets; pure.

What has no function here is not created, with a warning: passed-through hardware, serial lines and virtual
TPMs mean something only where they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyVmomi import vim

from appliance.model.units import KIB
from appliance.vsphere.documents import Json, flag, kind, label_of, needed_number, number, part, text

_Device = vim.vm.device.VirtualDevice

# Every machine has these; vSphere makes them and gives them these keys (API reference, "VirtualDevice.key").
DEFAULT_DEVICES = frozenset(
    {
        "VirtualIDEController",
        "VirtualPCIController",
        "VirtualPS2Controller",
        "VirtualSIOController",
        "VirtualKeyboard",
        "VirtualPointingDevice",
        "VirtualVideoCard",
        "VirtualVMCIDevice",
    }
)

_SCSI_CONTROLLERS: Mapping[str, type[vim.vm.device.VirtualSCSIController]] = {
    "ParaVirtualSCSIController": vim.vm.device.ParaVirtualSCSIController,
    "VirtualBusLogicController": vim.vm.device.VirtualBusLogicController,
    "VirtualLsiLogicController": vim.vm.device.VirtualLsiLogicController,
    "VirtualLsiLogicSASController": vim.vm.device.VirtualLsiLogicSASController,
}

_PLAIN_CONTROLLERS: Mapping[str, type[vim.vm.device.VirtualController]] = {
    "VirtualAHCIController": vim.vm.device.VirtualAHCIController,
    "VirtualNVMEController": vim.vm.device.VirtualNVMEController,
    "VirtualUSBController": vim.vm.device.VirtualUSBController,
    "VirtualUSBXHCIController": vim.vm.device.VirtualUSBXHCIController,
}

_NETWORK_CARDS: Mapping[str, type[vim.vm.device.VirtualEthernetCard]] = {
    "VirtualE1000": vim.vm.device.VirtualE1000,
    "VirtualE1000e": vim.vm.device.VirtualE1000e,
    "VirtualPCNet32": vim.vm.device.VirtualPCNet32,
    "VirtualVmxnet2": vim.vm.device.VirtualVmxnet2,
    "VirtualVmxnet3": vim.vm.device.VirtualVmxnet3,
}


_FILE_BACKINGS = frozenset({"FlatVer2BackingInfo", "SeSparseBackingInfo", "SparseVer2BackingInfo"})


@dataclass(frozen=True, slots=True)
class DeviceWishes:
    """What holds for all devices of a new machine.

    `disk_keys`: the captured disks to create, None for all that a snapshot can hold. `connected_networks`:
    captured networks whose cards connect when the machine is powered on.
    """

    disk_keys: frozenset[int] | None
    keep_identity: bool
    connected_networks: frozenset[str]
    network_names: Mapping[str, str]


@dataclass(slots=True)
class DeviceDraft:
    """The devices planned so far; keys of captured controllers lead to those of the new ones.

    `disks`: the new disks by the keys of the captured ones. `network_of_card`: by the new cards' keys.
    """

    wishes: DeviceWishes
    changes: list[vim.vm.device.VirtualDeviceSpec] = field(default_factory=list)
    controller_keys: dict[int, int] = field(default_factory=dict)
    disks: dict[int, vim.vm.device.VirtualDisk] = field(default_factory=dict)
    network_of_card: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, device: vim.vm.device.VirtualDevice, file_operation: str | None = None) -> None:
        """Plan one more device, under a key that vSphere replaces by its own."""
        device.key = -(len(self.changes) + 1)
        change = vim.vm.device.VirtualDeviceSpec(operation="add", fileOperation=file_operation, device=device)
        self.changes.append(change)

    def key_of_controller(self, device: Json) -> int | None:
        """The new key of the controller a captured device hangs on."""
        captured = number(device, "controllerKey")
        # Default controllers keep their keys, they are not in the plan.
        return self.controller_keys.get(captured, captured) if captured is not None else None


def plan_scsi_controller(device: Json, draft: DeviceDraft) -> None:
    """Same kind and bus number; never shared: the machines it was shared with are not here."""
    controller = _SCSI_CONTROLLERS[kind(device)](
        busNumber=needed_number(device, "busNumber"),
        sharedBus="noSharing",
        hotAddRemove=True,
        scsiCtlrUnitNumber=7,
    )
    if text(device, "sharedBus") not in {"", "noSharing"}:
        draft.warnings.append(f"{label_of(device)} was shared with other machines; the new one is not")
    draft.add(controller)
    draft.controller_keys[needed_number(device, "key")] = controller.key


def plan_plain_controller(device: Json, draft: DeviceDraft) -> None:
    """Same kind and bus number."""
    controller = _PLAIN_CONTROLLERS[kind(device)](busNumber=number(device, "busNumber") or 0)
    draft.add(controller)
    draft.controller_keys[needed_number(device, "key")] = controller.key


def plan_disk(device: Json, draft: DeviceDraft) -> None:
    """A new file of the same capacity at the same address; its place is filled in when it is created."""
    source_key = needed_number(device, "key")
    backing = part(device, "backing")
    wanted = draft.wishes.disk_keys
    if source_key not in wanted if wanted is not None else not _could_be_captured(backing):
        draft.warnings.append(f"{label_of(device)} is not created: it is not in the recovery point")
        return
    if kind(backing) not in _FILE_BACKINGS:
        draft.warnings.append(f"{label_of(device)} was a {kind(backing)}; the new one is an ordinary file")
    capacity = number(device, "capacityInBytes") or needed_number(device, "capacityInKB") * KIB
    eager = flag(backing, "eagerlyScrub") is True
    disk = vim.vm.device.VirtualDisk(
        backing=vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
            fileName="",
            diskMode="persistent",
            eagerlyScrub=eager,
            thinProvisioned=not eager and flag(backing, "thinProvisioned") is not False,
        ),
        capacityInBytes=capacity,
        capacityInKB=capacity // KIB,
        controllerKey=draft.key_of_controller(device),
        unitNumber=needed_number(device, "unitNumber"),
    )
    draft.add(disk, file_operation="create")
    draft.disks[source_key] = disk


def plan_network_card(device: Json, draft: DeviceDraft) -> None:
    """Same kind, disconnected unless wished otherwise; its network is found by name when it is created."""
    name = _network_name(part(device, "backing"), draft.wishes.network_names)
    if not name:
        draft.warnings.append(f"{label_of(device)} is not created: nobody knows what its network was called")
        return
    was = part(device, "connectable")
    card = _NETWORK_CARDS[kind(device)](
        addressType="generated",
        wakeOnLanEnabled=flag(device, "wakeOnLanEnabled"),
        connectable=_Device.ConnectInfo(
            startConnected=name in draft.wishes.connected_networks
            and flag(was, "startConnected") is not False,
            connected=False,
            allowGuestControl=flag(was, "allowGuestControl") is not False,
        ),
    )
    if draft.wishes.keep_identity and text(device, "macAddress"):
        card.addressType = text(device, "addressType") or "manual"
        card.macAddress = text(device, "macAddress")
    draft.add(card)
    draft.network_of_card[card.key] = name


def plan_cdrom(device: Json, draft: DeviceDraft) -> None:
    """An empty drive: the image in the captured one belongs to the old place."""
    draft.add(
        vim.vm.device.VirtualCdrom(
            backing=vim.vm.device.VirtualCdrom.RemotePassthroughBackingInfo(deviceName="", exclusive=False),
            connectable=_Device.ConnectInfo(startConnected=False, connected=False, allowGuestControl=True),
            controllerKey=draft.key_of_controller(device),
            unitNumber=number(device, "unitNumber"),
        )
    )


Planner = Callable[[Json, DeviceDraft], None]

PLANNERS: Mapping[str, Planner] = {
    **dict.fromkeys(_SCSI_CONTROLLERS, plan_scsi_controller),
    **dict.fromkeys(_PLAIN_CONTROLLERS, plan_plain_controller),
    **dict.fromkeys(_NETWORK_CARDS, plan_network_card),
    "VirtualDisk": plan_disk,
    "VirtualCdrom": plan_cdrom,
}


def _could_be_captured(backing: Json) -> bool:
    return not (
        text(backing, "diskMode").startswith("independent")
        or text(backing, "compatibilityMode") == "physicalMode"
        or text(backing, "sharing") == "sharingMultiWriter"
    )


def _network_name(backing: Json, names: Mapping[str, str]) -> str:
    if kind(backing) == "NetworkBackingInfo":
        return text(backing, "deviceName")
    if kind(backing) == "DistributedVirtualPortBackingInfo":
        return names.get(text(part(backing, "port"), "portgroupKey"), "")
    return names.get(text(backing, "opaqueNetworkId"), "")

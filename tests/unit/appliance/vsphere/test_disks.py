from __future__ import annotations

import pytest
from pyVmomi import vim

from appliance.model.change_tracking import ChangeId
from appliance.model.virtual_machines import ExclusionReason, VirtualDisk
from appliance.vsphere.addresses import disk_addresses
from appliance.vsphere.disks import virtual_disks, without_change_ids

Disk = vim.vm.device.VirtualDisk
CONTROLLER_KEY = 1000


def flat(**fields: object) -> Disk.FlatVer2BackingInfo:
    given = {"fileName": "[store] m/m.vmdk", "diskMode": "persistent", "uuid": "6000C290"} | fields
    return Disk.FlatVer2BackingInfo(**given)


def raw(compatibility: str) -> Disk.RawDiskMappingVer1BackingInfo:
    return Disk.RawDiskMappingVer1BackingInfo(
        fileName="[store] m/raw.vmdk", diskMode="persistent", compatibilityMode=compatibility
    )


def disk(backing: Disk.BackingInfo, key: int = 2000, **fields: object) -> vim.vm.device.VirtualDisk:
    given = {"capacityInBytes": 1 << 20, "controllerKey": CONTROLLER_KEY, "unitNumber": 0} | fields
    info = vim.Description(label=f"Hard disk {key - 1999}", summary="")
    return Disk(key=key, backing=backing, deviceInfo=info, capacityInKB=1024, **given)


def controller(shared: str = "noSharing") -> vim.vm.device.ParaVirtualSCSIController:
    return vim.vm.device.ParaVirtualSCSIController(key=CONTROLLER_KEY, busNumber=0, sharedBus=shared)


def only(*devices: vim.vm.device.VirtualDevice) -> VirtualDisk:
    (found,) = virtual_disks(devices)
    return found


def test_a_disk_is_described_as_the_snapshot_has_it() -> None:
    assert only(controller(), disk(flat(changeId="52 a1/17"))) == VirtualDisk(
        2000, "Hard disk 1", 1 << 20, "[store] m/m.vmdk", "6000C290", ChangeId("52 a1", 17)
    )


def test_disks_come_in_the_order_of_their_keys_and_nothing_else_comes() -> None:
    found = virtual_disks([disk(flat(), 2001), controller(), disk(flat(), 2000)])
    assert [one.device_key for one in found] == [2000, 2001]


def test_a_server_without_capacity_in_bytes_is_read_in_kilobytes() -> None:
    assert only(disk(flat(), capacityInBytes=None)).capacity == 1 << 20


@pytest.mark.parametrize("text", ["", None, "*", "52 a1", "52 a1/x"])
def test_a_change_id_that_cannot_be_read_is_none(text: str | None) -> None:
    assert only(disk(flat(changeId=text))).change_id is None


def test_the_running_machines_change_ids_are_left_out() -> None:
    (found,) = without_change_ids(virtual_disks([disk(flat(changeId="52 a1/17"))]))
    assert found.change_id is None
    assert found.backing_uuid == "6000C290"


@pytest.mark.parametrize(
    ("backing", "reason"),
    [
        (flat(), None),
        (Disk.SeSparseBackingInfo(fileName="[s] a", diskMode="persistent"), None),
        (Disk.SparseVer2BackingInfo(fileName="[s] a", diskMode="persistent"), None),
        (raw("virtualMode"), None),
        (raw("physicalMode"), ExclusionReason.PHYSICAL_RAW_DEVICE),
        (flat(diskMode="independent_persistent"), ExclusionReason.INDEPENDENT),
        (flat(diskMode="independent_nonpersistent"), ExclusionReason.INDEPENDENT),
        (flat(sharing="sharingMultiWriter"), ExclusionReason.MULTI_WRITER),
        (flat(sharing="sharingNone"), None),
        (Disk.LocalPMemBackingInfo(fileName="[s] a", diskMode="persistent"), ExclusionReason.UNKNOWN_BACKING),
        (
            Disk.RawDiskVer2BackingInfo(descriptorFileName="a", deviceName="d"),
            ExclusionReason.UNKNOWN_BACKING,
        ),
    ],
)
def test_a_disk_no_snapshot_can_hold_says_why(
    backing: Disk.BackingInfo, reason: ExclusionReason | None
) -> None:
    assert only(controller(), disk(backing)).exclusion is reason


@pytest.mark.parametrize("sharing", ["virtualSharing", "physicalSharing"])
def test_a_disk_on_a_shared_bus_is_excluded(sharing: str) -> None:
    assert only(controller(sharing), disk(flat())).exclusion is ExclusionReason.MULTI_WRITER


def test_addresses_are_those_of_a_vmx() -> None:
    devices = [
        controller(),
        vim.vm.device.VirtualAHCIController(key=15000, busNumber=1),
        vim.vm.device.VirtualNVMEController(key=31000, busNumber=0),
        disk(flat(), 2000, unitNumber=1),
        disk(flat(), 2001, controllerKey=15000, unitNumber=3),
        disk(flat(), 2002, controllerKey=31000, unitNumber=0),
        disk(flat(), 2003, controllerKey=201, unitNumber=1),
        disk(flat(), 2004, controllerKey=99),
    ]
    assert disk_addresses(devices) == {2000: "scsi0:1", 2001: "sata1:3", 2002: "nvme0:0", 2003: "ide1:1"}

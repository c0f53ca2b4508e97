from __future__ import annotations

import json
from typing import Any  # JSON documents

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyVmomi import vim

from appliance.vsphere.creation_plan import CreationOptions, CreationPlan, creation_plan
from appliance.vsphere.documents import CapturedPlace
from appliance.vsphere.errors import ConfigurationUnreadableError

GIB = 1 << 30
DEVICE = "vim.vm.device."


def device(kind: str, key: int, label: str, **fields: object) -> dict[str, Any]:
    return {"_vimtype": DEVICE + kind, "key": key, "deviceInfo": {"label": label}} | fields


def disk(key: int, unit: int, controller: int = 1000, **backing: object) -> dict[str, Any]:
    flat = {
        "_vimtype": DEVICE + "VirtualDisk.FlatVer2BackingInfo",
        "fileName": "[old] web/web-000002.vmdk",
        "diskMode": "persistent",
        "thinProvisioned": True,
        "eagerlyScrub": False,
        "uuid": "6000C29",
        "changeId": "52 a1/3",
    }
    return device(
        "VirtualDisk",
        key,
        f"Hard disk {key - 1999}",
        backing=flat | backing,
        capacityInBytes=GIB,
        controllerKey=controller,
        unitNumber=unit,
    )


def scsi(key: int = 1000, bus: int = 0, kind: str = "ParaVirtualSCSIController") -> dict[str, Any]:
    return device(kind, key, f"SCSI controller {bus}", busNumber=bus, sharedBus="noSharing")


def card(key: int, **fields: object) -> dict[str, Any]:
    backing = {"_vimtype": DEVICE + "VirtualEthernetCard.NetworkBackingInfo", "deviceName": "VM Network"}
    given = {
        "backing": backing,
        "macAddress": "00:50:56:aa:bb:cc",
        "addressType": "assigned",
        "connectable": {"startConnected": True, "allowGuestControl": True},
        "wakeOnLanEnabled": True,
    }
    return device("VirtualVmxnet3", key, f"Network adapter {key - 3999}", **(given | fields))


CDROM = device(
    "VirtualCdrom",
    3000,
    "CD/DVD drive 1",
    controllerKey=200,
    unitNumber=0,
    backing={"_vimtype": DEVICE + "VirtualCdrom.IsoBackingInfo", "fileName": "[iso] debian.iso"},
)

DEFAULT_DEVICES = [
    device("VirtualIDEController", 200, "IDE 0", busNumber=0),
    device("VirtualPCIController", 100, "PCI controller 0", busNumber=0),
    device("VirtualKeyboard", 600, "Keyboard"),
    device("VirtualVideoCard", 500, "Video card"),
]

OPTIONS = {
    "disk.EnableUUID": "TRUE",
    "guestinfo.role": "web",
    "ethernet0.pciSlotNumber": "192",
    "ctkEnabled": "TRUE",
    "scsi0:0.ctkEnabled": "TRUE",
    "migrate.hostlog": "./web.hlog",
    "migrate.migrationId": "1",
    "uuid.action": "keep",
    "uuid.bios": "56 4d",
    "changeTracking": "x",
    "nvram": "web.nvram",
    "scsi0:0.redo": "",
    "sched.swap.derivedName": "/vmfs/volumes/x/web.vswp",
    "keepline.run": "old",
}


def document(*devices: dict[str, Any], **config: object) -> str:
    captured_from = {
        "datacenter": "/DC",
        "folder": "/DC/vm/web",
        "resource_pool": "/DC/host/C/Resources",
        "host": "/DC/host/C/esx-01",
        "datastore": "/DC/datastore/old",
        "networks": {"dvportgroup-7": "Frontend", "opaque-1": "Overlay"},
    }
    given = {
        "_vimtype": "vim.vm.ConfigInfo",
        "name": "web",
        "guestId": "debian12_64Guest",
        "version": "vmx-19",
        "firmware": "efi",
        "annotation": "front end",
        "uuid": "4211-bios",
        "instanceUuid": "5011-instance",
        "changeTrackingEnabled": True,
        "bootOptions": {"efiSecureBootEnabled": True, "bootDelay": 0, "bootOrder": [{"deviceKey": 2000}]},
        "extraConfig": [{"key": key, "value": value} for key, value in OPTIONS.items()],
        "hardware": {
            "numCPU": 4,
            "numCoresPerSocket": 2,
            "memoryMB": 8192,
            "device": [*DEFAULT_DEVICES, *devices],
        },
    } | config
    return json.dumps({"format": 1, "captured_from": captured_from, "config": given})


def plan_of(*devices: dict[str, Any], **options: Any) -> CreationPlan:  # any field of CreationOptions
    return creation_plan(document(*devices), CreationOptions("restored", **options))


def planned(plan: CreationPlan, kind: type[vim.vm.device.VirtualDevice]) -> list[Any]:  # of that kind
    devices = [change.device for change in plan.specification.deviceChange]
    return [one for one in devices if isinstance(one, kind)]


def test_a_machine_gets_the_captured_nature_under_its_new_name() -> None:
    specification = plan_of(scsi(), disk(2000, 0)).specification
    assert (specification.name, specification.guestId, specification.version, specification.firmware) == (
        "restored",
        "debian12_64Guest",
        "vmx-19",
        "efi",
    )
    processors = [specification.numCPUs, specification.numCoresPerSocket]
    assert [*processors, specification.memoryMB] == [4, 2, 8192]
    assert specification.bootOptions is not None
    assert specification.bootOptions.efiSecureBootEnabled is True
    assert specification.bootOptions.bootOrder == []
    assert specification.annotation == "front end"


def test_change_tracking_migration_and_identity_keys_are_dropped_and_the_rest_is_kept() -> None:
    specification = plan_of(scsi(), disk(2000, 0)).specification
    kept = {option.key: option.value for option in specification.extraConfig}
    assert kept == {"disk.EnableUUID": "TRUE", "guestinfo.role": "web", "ethernet0.pciSlotNumber": "192"}
    assert specification.changeTrackingEnabled is None


def test_a_new_machine_has_a_new_identity_unless_wished_otherwise() -> None:
    new = plan_of(scsi(), disk(2000, 0), card(4000))
    assert (new.specification.uuid, new.specification.instanceUuid) == (None, None)
    (new_card,) = planned(new, vim.vm.device.VirtualVmxnet3)
    assert (new_card.addressType, new_card.macAddress) == ("generated", None)

    same = plan_of(scsi(), disk(2000, 0), card(4000), keep_identity=True)
    assert (same.specification.uuid, same.specification.instanceUuid) == ("4211-bios", "5011-instance")
    (same_card,) = planned(same, vim.vm.device.VirtualVmxnet3)
    assert (same_card.addressType, same_card.macAddress) == ("assigned", "00:50:56:aa:bb:cc")


def test_disks_are_new_files_of_the_same_capacity_at_the_same_addresses() -> None:
    plan = plan_of(scsi(), scsi(1001, 1, "VirtualLsiLogicController"), disk(2000, 0), disk(2016, 5, 1001))
    assert [(one.source_key, one.address, one.capacity) for one in plan.disks] == [
        (2000, "scsi0:0", GIB),
        (2016, "scsi1:5", GIB),
    ]
    for change in plan.specification.deviceChange:
        if isinstance(change.device, vim.vm.device.VirtualDisk):
            assert (change.operation, change.fileOperation) == ("add", "create")
            backing = change.device.backing
            assert isinstance(backing, vim.vm.device.VirtualDisk.FlatVer2BackingInfo)
            assert (backing.fileName, backing.uuid, backing.changeId) == ("", None, None)
            assert backing.thinProvisioned is True


def test_controllers_come_before_what_hangs_on_them() -> None:
    plan = plan_of(disk(2000, 0), scsi())
    kinds = [type(change.device) for change in plan.specification.deviceChange]
    assert kinds == [vim.vm.device.ParaVirtualSCSIController, vim.vm.device.VirtualDisk]
    (controller,), (made,) = (
        planned(plan, vim.vm.device.VirtualSCSIController),
        planned(plan, vim.vm.device.VirtualDisk),
    )
    assert made.controllerKey == controller.key < 0


def test_disks_on_sata_nvme_and_the_default_ide_controllers_keep_their_places() -> None:
    plan = plan_of(
        device("VirtualAHCIController", 15000, "SATA controller 0", busNumber=0),
        device("VirtualNVMEController", 31000, "NVME controller 0", busNumber=0),
        disk(2000, 2, 15000),
        disk(2001, 0, 31000),
        disk(2002, 1, 200),
    )
    assert [one.address for one in plan.disks] == ["sata0:2", "nvme0:0", "ide0:1"]
    assert planned(plan, vim.vm.device.VirtualIDEController) == []


@pytest.mark.parametrize(
    ("thin", "eager", "expected"),
    [(True, False, (True, False)), (False, False, (False, False)), (False, True, (False, True))],
)
def test_provisioning_is_kept(thin: bool, eager: bool, expected: tuple[bool, bool]) -> None:  # noqa: FBT001
    plan = plan_of(scsi(), disk(2000, 0, thinProvisioned=thin, eagerlyScrub=eager))
    (made,) = planned(plan, vim.vm.device.VirtualDisk)
    assert (made.backing.thinProvisioned, made.backing.eagerlyScrub) == expected


@pytest.mark.parametrize(
    "backing",
    [
        {"diskMode": "independent_persistent"},
        {"sharing": "sharingMultiWriter"},
        {
            "_vimtype": DEVICE + "VirtualDisk.RawDiskMappingVer1BackingInfo",
            "compatibilityMode": "physicalMode",
        },
    ],
)
def test_disks_no_snapshot_can_hold_are_left_out_with_a_word(backing: dict[str, Any]) -> None:
    plan = plan_of(scsi(), disk(2000, 0), disk(2001, 1, **backing))
    assert [one.source_key for one in plan.disks] == [2000]
    assert any("Hard disk 2" in warning for warning in plan.warnings)


def test_a_virtual_raw_device_becomes_an_ordinary_file_with_a_word() -> None:
    kind = DEVICE + "VirtualDisk.RawDiskMappingVer1BackingInfo"
    plan = plan_of(scsi(), disk(2000, 0, _vimtype=kind, compatibilityMode="virtualMode"))
    (made,) = planned(plan, vim.vm.device.VirtualDisk)
    assert isinstance(made.backing, vim.vm.device.VirtualDisk.FlatVer2BackingInfo)
    assert any("ordinary file" in warning for warning in plan.warnings)


def test_only_the_named_disks_are_created() -> None:
    plan = plan_of(scsi(), disk(2000, 0), disk(2001, 1), device_keys=frozenset({2001}))
    assert [one.source_key for one in plan.disks] == [2001]
    with pytest.raises(ConfigurationUnreadableError, match="2002"):
        plan_of(scsi(), disk(2000, 0), device_keys=frozenset({2000, 2002}))


def test_network_cards_are_disconnected_unless_wished_otherwise() -> None:
    apart, together = (
        plan_of(card(4000), connected_networks=frozenset(names)) for names in ((), ("VM Network",))
    )
    (alone,), (joined,) = (planned(plan, vim.vm.device.VirtualVmxnet3) for plan in (apart, together))
    assert (alone.connectable.startConnected, alone.connectable.connected) == (False, False)
    assert joined.connectable.startConnected is True
    assert apart.networks == ((alone.key, "VM Network"),)


def test_networks_are_known_by_name_whatever_kind_they_are() -> None:
    distributed = {
        "_vimtype": DEVICE + "VirtualEthernetCard.DistributedVirtualPortBackingInfo",
        "port": {"portgroupKey": "dvportgroup-7", "portKey": "12"},
    }
    opaque = {
        "_vimtype": DEVICE + "VirtualEthernetCard.OpaqueNetworkBackingInfo",
        "opaqueNetworkId": "opaque-1",
    }
    unknown = {
        "_vimtype": DEVICE + "VirtualEthernetCard.DistributedVirtualPortBackingInfo",
        "port": {"portgroupKey": "gone"},
    }
    plan = plan_of(card(4000, backing=distributed), card(4001, backing=opaque), card(4002, backing=unknown))
    assert [name for _, name in plan.networks] == ["Frontend", "Overlay"]
    assert any("Network adapter 3" in warning for warning in plan.warnings)


def test_a_drive_comes_without_the_image_that_was_in_it() -> None:
    (drive,) = planned(plan_of(CDROM), vim.vm.device.VirtualCdrom)
    assert isinstance(drive.backing, vim.vm.device.VirtualCdrom.RemotePassthroughBackingInfo)
    assert (drive.controllerKey, drive.connectable.startConnected) == (200, False)


@pytest.mark.parametrize(
    "kind", ["VirtualPCIPassthrough", "VirtualSerialPort", "VirtualTPM", "VirtualOfTheFuture"]
)
def test_what_is_tied_to_its_place_is_skipped_with_a_word(kind: str) -> None:
    plan = plan_of(scsi(), disk(2000, 0), device(kind, 13000, "Odd device 1"))
    assert len(plan.specification.deviceChange) == 2
    assert plan.warnings == (f"Odd device 1 is not created: {kind} is tied to its place",)


def test_a_disk_on_a_controller_of_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigurationUnreadableError, match="Hard disk 1"):
        plan_of(device("VirtualOddController", 1000, "Odd controller", busNumber=0), disk(2000, 0))


def test_the_place_it_was_in_is_the_default_for_the_new_one() -> None:
    assert plan_of(scsi()).place == CapturedPlace(
        "/DC", "/DC/vm/web", "/DC/host/C/Resources", "/DC/host/C/esx-01", "/DC/datastore/old"
    )


def test_an_encrypted_machine_becomes_a_plain_one_with_a_word() -> None:
    text = document(scsi(), disk(2000, 0), keyId={"keyId": "k"})
    assert any("encrypted" in warning for warning in creation_plan(text, CreationOptions("n")).warnings)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        json.dumps({"format": 2}),
        json.dumps({"format": 1, "captured_from": {}, "config": {}}),
        json.dumps({"format": 1, "captured_from": None, "config": {}}),
        document().replace("vim.vm.ConfigInfo", "vim.vm.Summary"),
        document(hardware={"numCPU": 4}),
        document(hardware={"memoryMB": 4}),
        document(scsi(), {"_vimtype": DEVICE + "VirtualDisk", "key": 2000}),
        document({"_vimtype": DEVICE + "ParaVirtualSCSIController", "key": 1000}),
    ],
)
def test_what_is_not_a_configuration_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationUnreadableError):
        creation_plan(text, CreationOptions("restored"))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(["hardware", "extraConfig", "bootOptions", "guestId", "version", "keyId"]), JSON_VALUES
)
def test_no_odd_value_does_more_than_refuse_the_configuration(key: str, value: object) -> None:
    try:
        plan = creation_plan(document(scsi(), disk(2000, 0), **{key: value}), CreationOptions("restored"))
    except ConfigurationUnreadableError:
        return
    assert plan.name == "restored"

"""The configuration document that a point keeps, as small as a restore's plan needs it."""

from __future__ import annotations

import json

from appliance.model.recovery_points import RecoveryPoint

DEVICE = "vim.vm.device."
CARD_BACKING = f"{DEVICE}VirtualEthernetCard.NetworkBackingInfo"
DISK_BACKING = f"{DEVICE}VirtualDisk.FlatVer2BackingInfo"


def configuration_document(point: RecoveryPoint, networks: tuple[str, ...] = ("VM Network",)) -> str:
    """The machine of `point` on host esx-01 of its datacenter's cluster Gold, on datastore ssd-1."""
    datacenter = "/" + point.machine_path.split("/")[1]
    captured_from = {
        "datacenter": datacenter,
        "folder": point.machine_path.rpartition("/")[0],
        "resource_pool": f"{datacenter}/host/Gold/Resources",
        "host": f"{datacenter}/host/Gold/esx-01",
        "datastore": f"{datacenter}/datastore/ssd-1",
        "networks": {},
    }
    controller = {
        "_vimtype": f"{DEVICE}ParaVirtualSCSIController",
        "key": 1000,
        "busNumber": 0,
        "sharedBus": "noSharing",
    }
    disks = [
        {
            "_vimtype": f"{DEVICE}VirtualDisk",
            "key": image.disk.device_key,
            "deviceInfo": {"label": image.disk.label},
            "capacityInBytes": image.disk.capacity,
            "controllerKey": 1000,
            "unitNumber": number,
            "backing": {"_vimtype": DISK_BACKING, "diskMode": "persistent"},
        }
        for number, image in enumerate(point.images)
    ]
    cards = [
        {
            "_vimtype": f"{DEVICE}VirtualVmxnet3",
            "key": 4000 + number,
            "deviceInfo": {"label": f"Network adapter {number + 1}"},
            "backing": {"_vimtype": CARD_BACKING, "deviceName": name},
        }
        for number, name in enumerate(networks)
    ]
    hardware = {"numCPU": 2, "memoryMB": 4096, "device": [controller, *disks, *cards]}
    config = {"_vimtype": "vim.vm.ConfigInfo", "name": point.machine_name, "hardware": hardware}
    return json.dumps({"format": 1, "captured_from": captured_from, "config": config})

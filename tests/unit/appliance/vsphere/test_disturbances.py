from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyVmomi import vim

from appliance.vsphere.disturbances import blindness_of_event, disturbance_of_event, disturbance_of_task

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
Disk = vim.vm.device.VirtualDisk


def happened(kind: type[vim.event.Event], **fields: object) -> vim.event.Event:
    return kind(createdTime=WHEN, userName="EXAMPLE\\admin", **fields)


def task(description: str) -> vim.TaskInfo:
    reason = vim.TaskReasonUser(userName="EXAMPLE\\admin")
    return vim.TaskInfo(descriptionId=description, queueTime=WHEN, reason=reason)


def change(operation: str, file_operation: str | None = None) -> vim.vm.device.VirtualDeviceSpec:
    backing = Disk.FlatVer2BackingInfo(fileName="[store] other.vmdk", diskMode="persistent")
    device = Disk(key=2001, backing=backing, capacityInKB=1)
    return vim.vm.device.VirtualDeviceSpec(operation=operation, fileOperation=file_operation, device=device)


def reconfigured(**fields: object) -> vim.event.Event:
    return happened(vim.event.VmReconfiguredEvent, configSpec=vim.vm.ConfigSpec(**fields))


DISTURBING = [
    (happened(vim.event.VmRegisteredEvent), "registered anew"),
    (happened(vim.event.VmDiscoveredEvent), "discovered"),
    (happened(vim.event.VmReloadFromPathEvent), "another file"),
    (happened(vim.event.TaskEvent, info=task("vm.Snapshot.revert")), "reverted"),
    (happened(vim.event.TaskEvent, info=task("VirtualMachine.revertToCurrentSnapshot")), "reverted"),
    (happened(vim.event.EventEx, eventTypeId="com.vmware.vc.vm.VmStateRevertedToSnapshot"), "reverted"),
    (reconfigured(deviceChange=[change("remove")]), "disk 2001 was removed"),
    (reconfigured(deviceChange=[change("add")]), "existing disk was attached ([store] other.vmdk)"),
    (reconfigured(changeTrackingEnabled=False), "tracking was turned off"),
    (reconfigured(extraConfig=[vim.option.OptionValue(key="scsi0:0.ctkEnabled", value="FALSE")]), "ctk"),
]

HARMLESS = [
    happened(vim.event.VmPoweredOffEvent),
    happened(vim.event.VmMigratedEvent),
    happened(vim.event.VmRenamedEvent),
    happened(vim.event.TaskEvent, info=task("VirtualMachine.createSnapshot")),
    happened(vim.event.TaskEvent, info=vim.TaskInfo(queueTime=WHEN)),
    happened(vim.event.EventEx, eventTypeId="com.vmware.cis.tagging.attach"),
    reconfigured(deviceChange=[change("add", "create")]),
    reconfigured(deviceChange=[change("edit")]),
    reconfigured(changeTrackingEnabled=True),
    reconfigured(numCPUs=4),
]


@pytest.mark.parametrize(("event", "words"), DISTURBING)
def test_an_event_after_which_tracking_lies_is_told_with_time_and_user(
    event: vim.event.Event, words: str
) -> None:
    told = disturbance_of_event(event) or ""
    assert told.startswith("2026-01-02 03:04:05 UTC by EXAMPLE\\admin: ")
    assert words in told


@pytest.mark.parametrize("event", HARMLESS, ids=lambda event: type(event).__name__)
def test_the_daily_life_of_a_machine_disturbs_nothing(event: vim.event.Event) -> None:
    assert disturbance_of_event(event) is None
    assert blindness_of_event(event) is None


def test_a_reverting_task_of_the_history_disturbs_and_no_other_does() -> None:
    assert "vm.Snapshot.revert" in (disturbance_of_task(task("vm.Snapshot.revert")) or "")
    assert disturbance_of_task(task("vm.Snapshot.remove")) is None


@pytest.mark.parametrize("kind", [vim.event.VmDisconnectedEvent, vim.event.VmOrphanedEvent])
def test_a_machine_out_of_sight_makes_the_history_incomplete(kind: type[vim.event.Event]) -> None:
    assert blindness_of_event(happened(kind)) is not None
    assert disturbance_of_event(happened(kind)) is None

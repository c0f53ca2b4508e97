from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pyVmomi import vim, vmodl

from appliance.model.virtual_machines import VirtualMachine
from appliance.vsphere import VcenterConnection, find_machine
from appliance.vsphere.errors import TaskCancelledError, TaskTimedOutError
from appliance.vsphere.properties import all_of_kind, properties_of
from appliance.vsphere.tasks import wait_for_task
from keepline_lab import Disk, Machine
from keepline_lab.laboratories import StartLab
from tests.simulated.vsphere.steps import MIB, connected

EXTENSION = "example.waiting"
KIND = f"{EXTENSION}.task"


@pytest.fixture
def connection(laboratory: StartLab) -> Iterator[VcenterConnection]:
    with connected(laboratory(Machine("web-01", (Disk(size=MIB),)))) as connection:
        extensions = connection.content.extensionManager
        assert extensions is not None
        words = vim.Description(label="waiting", summary="waiting")
        extension = vim.Extension(
            key=EXTENSION, version="1", description=words, lastHeartbeatTime=datetime.now(UTC)
        )
        extension.taskList = [vim.Extension.TaskTypeInfo(taskID=KIND)]
        extensions.RegisterExtension(extension)
        yield connection


@pytest.fixture
def task(connection: VcenterConnection) -> vim.Task:
    """A task that does nothing until the test says so."""
    machine: VirtualMachine = find_machine(connection, "web-01")
    manager = connection.content.taskManager
    assert manager is not None
    reference = connection.object_of(vim.VirtualMachine, machine.moref)
    made: vim.Task = manager.CreateTask(reference, KIND, "test", True, None, None).task
    made.SetTaskState("running", None, None)
    return made


def state_of(connection: VcenterConnection, task: vim.Task) -> str:
    return str(properties_of(connection, task, "info.state")["info.state"])


def test_a_task_that_ended_well_gives_its_result(connection: VcenterConnection, task: vim.Task) -> None:
    task.SetTaskState("success", "done", None)
    assert wait_for_task(connection, task, "waiting") == "done"


def test_a_failed_task_is_its_fault(connection: VcenterConnection, task: vim.Task) -> None:
    task.SetTaskState("error", None, vim.fault.FileLocked(file="[s] a.vmdk"))
    with pytest.raises(vim.fault.FileLocked):
        wait_for_task(connection, task, "waiting")


def test_a_task_that_does_not_end_is_given_up(connection: VcenterConnection, task: vim.Task) -> None:
    with pytest.raises(TaskTimedOutError, match="merging: the task has not ended after 600 seconds"):
        wait_for_task(connection, task, "merging", limit_seconds=600)
    assert state_of(connection, task) == "running"


def test_progress_is_told_and_a_wish_to_cancel_is_passed_on(
    connection: VcenterConnection, task: vim.Task
) -> None:
    task.UpdateProgress(40)
    told: list[int] = []
    with pytest.raises(TaskCancelledError):
        wait_for_task(connection, task, "waiting", progress=told.append, cancelled=lambda: len(told) > 2)
    assert set(told) == {40}
    assert state_of(connection, task) == "error"
    with pytest.raises(vmodl.fault.RequestCanceled):
        wait_for_task(connection, task, "waiting")


def test_waiting_outlives_the_session(connection: VcenterConnection, task: vim.Task) -> None:
    sessions = connection.content.sessionManager
    assert sessions is not None
    sessions.Logout()
    task.SetTaskState("success", "done", None)
    assert wait_for_task(connection, task, "waiting") == "done"


def test_an_inventory_of_several_pages_is_read_to_its_end(connection: VcenterConnection) -> None:
    (datacenter,) = all_of_kind(connection, vim.Datacenter, "name")
    reference = connection.object_of(vim.Datacenter, datacenter)
    folder = properties_of(connection, reference, "vmFolder")["vmFolder"]
    names = {f"folder-{n}" for n in range(1010)}
    for name in names:
        folder.CreateFolder(name)
    found = {one["name"] for one in all_of_kind(connection, vim.Folder, "name").values()}
    assert names <= found

"""Machines on the restore side, after they were created: filled, declared whole, powered on, or deleted."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pyVmomi import vim

from appliance.model.identifiers import InstallationId, ManagedObjectId
from appliance.vsphere.configuration import nvram_beside
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.datastore_files import datastore_file, write_file
from appliance.vsphere.errors import ForeignMachineError, ObjectGoneError
from appliance.vsphere.faults import translated
from appliance.vsphere.machine_marks import MachineMark, RestoreState, read_options, state_option
from appliance.vsphere.marks import Mark
from appliance.vsphere.places import places_around
from appliance.vsphere.properties import Properties, all_of_kind, properties_of
from appliance.vsphere.retries import with_patience
from appliance.vsphere.tasks import wait_for_task

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MarkedMachine:
    """A machine that carries a mark of ours; `unfinished` until `declare_restored`."""

    moref: ManagedObjectId
    name: str
    mark: Mark
    unfinished: bool


def upload_nvram(connection: VcenterConnection, machine: ManagedObjectId, content: bytes) -> None:
    """Put the firmware's variables beside the machine's .vmx, before its first power-on."""
    reference = connection.object_of(vim.VirtualMachine, machine)
    with translated(f"looking for the files of {machine}"):
        properties = properties_of(
            connection, reference, "config.files.vmPathName", "config.extraConfig", "resourcePool"
        )
        places = places_around(connection, properties.get("resourcePool"))
    datacenter = places.path(places.datacenter_of(properties.get("resourcePool")))
    vmx = datastore_file(datacenter, str(properties["config.files.vmPathName"]))
    nvram = nvram_beside(vmx, properties.get("config.extraConfig", []))
    with_patience(connection.clock, lambda: write_file(connection, nvram, content))


def declare_restored(connection: VcenterConnection, machine: ManagedObjectId) -> None:
    """Say that the machine is whole: from now on no reaper touches it."""
    doing = f"declaring {machine} restored"
    reference = connection.object_of(vim.VirtualMachine, machine)
    specification = vim.vm.ConfigSpec(extraConfig=[state_option(RestoreState.FINISHED)])

    def attempt() -> None:
        with translated(doing):
            wait_for_task(connection, reference.ReconfigVM_Task(specification), doing)

    with_patience(connection.clock, attempt)


def machines_marked_by(connection: VcenterConnection, installation: InstallationId) -> list[MarkedMachine]:
    """Every machine this installation has created, unfinished or not."""
    return [
        MarkedMachine(moref, name, found.mark, found.state is RestoreState.UNFINISHED)
        for moref, name, found in marked_machines(connection)
        if found.mark.installation == installation
    ]


def delete_machine(connection: VcenterConnection, machine: ManagedObjectId, mark: Mark) -> None:
    """Delete an unfinished machine with its disks; gone already is fine.

    Raises:
        ForeignMachineError: it does not carry `mark`, or its restore was declared finished.
        VcenterError: vCenter refuses.
    """
    doing = f"deleting {machine}"
    reference = connection.object_of(vim.VirtualMachine, machine)

    def attempt() -> None:
        with translated(doing):
            properties = properties_of(
                connection, reference, "name", "config.extraConfig", "runtime.powerState"
            )
            _refuse_foreign(str(properties.get("name", machine)), properties, mark)
            if properties.get("runtime.powerState") == "poweredOn":
                wait_for_task(connection, reference.PowerOffVM_Task(), doing)
            wait_for_task(connection, reference.Destroy_Task(), doing)

    try:
        with_patience(connection.clock, attempt)
    except ObjectGoneError:
        log.info("machine was gone already", extra={"machine": machine})


def power_on(connection: VcenterConnection, machine: ManagedObjectId) -> None:
    """Start the machine; one that runs already is fine."""
    doing = f"powering on {machine}"
    reference = connection.object_of(vim.VirtualMachine, machine)

    def attempt() -> None:
        with translated(doing):
            if (
                properties_of(connection, reference, "runtime.powerState")["runtime.powerState"]
                != "poweredOn"
            ):
                wait_for_task(connection, reference.PowerOnVM_Task(None), doing)

    with_patience(connection.clock, attempt)


def marked_machines(connection: VcenterConnection) -> list[tuple[ManagedObjectId, str, MachineMark]]:
    """Every machine with a mark of ours, whoever made it: moref, name and mark."""
    with translated("looking for machines of Keepline"):
        machines = all_of_kind(connection, vim.VirtualMachine, "name", "config.extraConfig")
    return [
        (ManagedObjectId(moref), str(properties["name"]), found)
        for moref, properties in machines.items()
        if (found := read_options(properties.get("config.extraConfig", ()))) is not None
    ]


def _refuse_foreign(name: str, properties: Properties, mark: Mark) -> None:
    found = read_options(properties.get("config.extraConfig", ()))
    if found != MachineMark(mark, RestoreState.UNFINISHED):
        carried = f"{found.mark.run}, {found.state}" if found is not None else "none"
        raise ForeignMachineError(name, carried, f"{mark.run}, {RestoreState.UNFINISHED}")

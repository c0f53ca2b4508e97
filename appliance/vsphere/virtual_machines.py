"""Machines on the restore side: created with a mark, filled, powered on, or deleted again."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass

from pyVmomi import vim

from appliance.errors import VcenterError
from appliance.model.identifiers import InstallationId, ManagedObjectId
from appliance.model.virtual_machines import VirtualDisk
from appliance.vsphere.addresses import disk_addresses
from appliance.vsphere.configuration import nvram_beside
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.creation_plan import CreationPlan
from appliance.vsphere.datastore_files import datastore_file, write_file
from appliance.vsphere.disks import virtual_disks, without_change_ids
from appliance.vsphere.errors import (
    DatastoreTooSmallError,
    ForeignMachineError,
    MachineExistsError,
    ObjectGoneError,
    VcenterAnswerError,
)
from appliance.vsphere.faults import translated
from appliance.vsphere.machine_marks import (
    MachineMark,
    RestoreState,
    mark_options,
    read_options,
    state_option,
)
from appliance.vsphere.marks import Mark
from appliance.vsphere.placement import Placement, Target, network_backings, resolve
from appliance.vsphere.places import places_around
from appliance.vsphere.properties import Properties, all_of_kind, moref_of, properties_of
from appliance.vsphere.retries import with_patience
from appliance.vsphere.tasks import wait_for_task

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CreatedDisk:
    """A disk of the new machine, and the key of the captured disk whose bytes belong on it."""

    source_key: int
    disk: VirtualDisk


@dataclass(frozen=True, slots=True)
class CreatedMachine:
    """A machine that exists, powered off, its disks empty."""

    moref: ManagedObjectId
    name: str
    disks: tuple[CreatedDisk, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkedMachine:
    """A machine that carries a mark of ours; `unfinished` until `declare_restored`."""

    moref: ManagedObjectId
    name: str
    mark: Mark
    unfinished: bool


def create_machine(
    connection: VcenterConnection, plan: CreationPlan, placement: Placement, mark: Mark, *, needed: int
) -> CreatedMachine:
    """Create the planned machine, marked as an unfinished restore.

    Args:
        connection: to the target's vCenter.
        plan: from `creation_plan`.
        placement: where to.
        mark: journalled by the caller before this call.
        needed: bytes that will be written to its disks.

    Raises:
        PlacementNotFoundError: a place is not there.
        PlacementAmbiguousError: a name is not enough.
        MachineExistsError: the folder holds a machine of that name.
        DatastoreTooSmallError: less than `needed` is free; nothing was created.
        VcenterError: vCenter refuses.
    """
    doing = f"creating machine {plan.name}"
    with translated(f"{doing}: looking for its place"):
        target = resolve(connection, placement, plan.place)
        _refuse_taken_name(connection, target, plan.name)
        _refuse_small_datastore(connection, target, needed)
        specification = _complete(connection, plan, target, placement, mark)
    reference = _create_once(connection, target, specification, mark, doing)
    with translated(f"{doing}: reading its disks"):
        return _created(connection, plan, moref_of(reference))


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
        for moref, name, found in _marked_machines(connection)
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


def _create_once(
    connection: VcenterConnection,
    target: Target,
    specification: vim.vm.ConfigSpec,
    mark: Mark,
    doing: str,
) -> vim.VirtualMachine:
    """The machine with this mark: an earlier try whose answer was lost may have made it."""
    tries = 0

    def attempt() -> vim.VirtualMachine:
        nonlocal tries
        tries += 1
        with translated(doing):
            if tries > 1 and (found := _find_marked(connection, mark)) is not None:
                return found
            task = target.folder.CreateVM_Task(specification, target.resource_pool, target.host)
            made = wait_for_task(connection, task, doing)
        if not isinstance(made, vim.VirtualMachine):
            raise VcenterAnswerError(f"{doing}: the task succeeded, but names no machine")
        return made

    return with_patience(connection.clock, attempt)


def _find_marked(connection: VcenterConnection, mark: Mark) -> vim.VirtualMachine | None:
    for moref, _, found in _marked_machines(connection):
        if found == MachineMark(mark, RestoreState.UNFINISHED):
            return connection.object_of(vim.VirtualMachine, moref)
    return None


def _marked_machines(connection: VcenterConnection) -> list[tuple[ManagedObjectId, str, MachineMark]]:
    with translated("looking for machines of Keepline"):
        machines = all_of_kind(connection, vim.VirtualMachine, "name", "config.extraConfig")
    return [
        (ManagedObjectId(moref), str(properties["name"]), found)
        for moref, properties in machines.items()
        if (found := read_options(properties.get("config.extraConfig", ()))) is not None
    ]


def _refuse_taken_name(connection: VcenterConnection, target: Target, name: str) -> None:
    index = connection.content.searchIndex
    if index is not None and index.FindChild(target.folder, name) is not None:
        raise MachineExistsError(name)


def _refuse_small_datastore(connection: VcenterConnection, target: Target, needed: int) -> None:
    try:
        # vCenter's figure may be half an hour old.
        with translated(f"looking at datastore {target.datastore_name}"):
            target.datastore.RefreshDatastoreStorageInfo()
    except VcenterError as error:
        log.info("datastore was not refreshed", extra={"reason": str(error)})
    free = properties_of(connection, target.datastore, "summary.freeSpace")["summary.freeSpace"]
    if free < needed:
        raise DatastoreTooSmallError(target.datastore_name, needed, free)


def _refuse_foreign(name: str, properties: Properties, mark: Mark) -> None:
    found = read_options(properties.get("config.extraConfig", ()))
    if found != MachineMark(mark, RestoreState.UNFINISHED):
        carried = f"{found.mark.run}, {found.state}" if found is not None else "none"
        raise ForeignMachineError(name, carried, f"{mark.run}, {RestoreState.UNFINISHED}")


def _complete(
    connection: VcenterConnection, plan: CreationPlan, target: Target, placement: Placement, mark: Mark
) -> vim.vm.ConfigSpec:
    """The plan's specification, with datastore, networks and mark filled in; the plan stays as it is."""
    specification: vim.vm.ConfigSpec = copy.deepcopy(plan.specification)
    specification.files = vim.vm.FileInfo(vmPathName=f"[{target.datastore_name}]")
    specification.extraConfig = [*specification.extraConfig, *mark_options(mark, RestoreState.UNFINISHED)]
    wanted = {key: placement.networks.get(name, name) for key, name in plan.networks}
    backings = network_backings(connection, set(wanted.values()), target.datacenter)
    for change in specification.deviceChange:
        device = change.device
        if device is not None and device.key in wanted:
            device.backing = backings[wanted[device.key]]
    return specification


def _created(connection: VcenterConnection, plan: CreationPlan, moref: ManagedObjectId) -> CreatedMachine:
    """The new machine as vCenter made it; its disks are known by their addresses, it chose other keys."""
    reference = connection.object_of(vim.VirtualMachine, moref)
    properties = properties_of(connection, reference, "name", "config.hardware.device")
    devices = properties.get("config.hardware.device", ())
    addresses = disk_addresses(devices)
    disk_at = {addresses.get(disk.device_key): disk for disk in without_change_ids(virtual_disks(devices))}
    for planned in plan.disks:
        made = disk_at.get(planned.address)
        if made is None or made.capacity != planned.capacity:
            raise VcenterAnswerError(
                f"machine {plan.name} should have a disk of {planned.capacity} bytes at {planned.address}, "
                f"vCenter made {sorted(addresses.values())}"
            )
    disks = tuple(CreatedDisk(planned.source_key, disk_at[planned.address]) for planned in plan.disks)
    return CreatedMachine(moref, str(properties["name"]), disks, plan.warnings)

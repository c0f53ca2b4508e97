"""A new machine on the restore side: placed, marked, and made once."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass, replace

from pyVmomi import vim

from appliance.errors import VcenterError
from appliance.model.identifiers import ManagedObjectId
from appliance.model.virtual_machines import VirtualDisk
from appliance.vsphere.addresses import disk_addresses
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.creation_plan import CreationPlan
from appliance.vsphere.disks import virtual_disks, without_change_ids
from appliance.vsphere.errors import DatastoreTooSmallError, MachineExistsError, VcenterAnswerError
from appliance.vsphere.faults import translated
from appliance.vsphere.machine_marks import MachineMark, RestoreState, mark_options
from appliance.vsphere.marks import Mark
from appliance.vsphere.placement import (
    Placement,
    Target,
    network_backings,
    resolve,
    unneeded_network_backings,
)
from appliance.vsphere.properties import moref_of, properties_of
from appliance.vsphere.retries import with_patience
from appliance.vsphere.tasks import wait_for_task
from appliance.vsphere.virtual_machines import marked_machines

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
        specification, missing = _complete(connection, plan, target, placement, mark)
    reference = _create_once(connection, target, specification, mark, doing)
    with translated(f"{doing}: reading its disks"):
        created = _created(connection, plan, moref_of(reference))
    return replace(created, warnings=(*created.warnings, *missing))


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
    for moref, _, found in marked_machines(connection):
        if found == MachineMark(mark, RestoreState.UNFINISHED):
            return connection.object_of(vim.VirtualMachine, moref)
    return None


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


def _complete(
    connection: VcenterConnection, plan: CreationPlan, target: Target, placement: Placement, mark: Mark
) -> tuple[vim.vm.ConfigSpec, list[str]]:
    """The plan's specification with datastore, networks and mark filled in; the plan stays as it is.

    Also a word about each card that cannot be made: it was to stay disconnected, and its network is not here.
    """
    specification: vim.vm.ConfigSpec = copy.deepcopy(plan.specification)
    specification.files = vim.vm.FileInfo(vmPathName=f"[{target.datastore_name}]")
    specification.extraConfig = [*specification.extraConfig, *mark_options(mark, RestoreState.UNFINISHED)]
    names = dict(plan.networks)
    wanted = {name: new for name, new in placement.networks.items() if name in names.values()}
    others = set(names.values()) - wanted.keys()
    needed = network_backings(connection, set(wanted.values()), target.datacenter)
    backings = {
        **{name: needed[new] for name, new in wanted.items()},
        **unneeded_network_backings(connection, others, target.datacenter),
    }
    changes = []
    for change in specification.deviceChange:
        network = names.get(change.device.key) if change.device is not None else None
        if network in backings:
            change.device.backing = backings[network]
        if network is None or network in backings:
            changes.append(change)
    specification.deviceChange = changes
    missing = sorted({name for name in names.values() if name not in backings})
    return specification, [without_network(name) for name in missing]


def without_network(name: str) -> str:
    """What is said of a network that the target does not have."""
    return f"a card on network {name} is not created: the target has no such network"


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

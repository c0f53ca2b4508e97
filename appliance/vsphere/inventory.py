"""Machines and their disks, as vCenter lists them."""

from __future__ import annotations

import logging
from collections.abc import Collection

from pyVmomi import vim
from pyVmomi.VmomiSupport import ManagedObject

from appliance.model.identifiers import ManagedObjectId
from appliance.model.virtual_machines import MachineIdentity, PowerState, VirtualMachine
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.disks import virtual_disks, without_change_ids
from appliance.vsphere.errors import MachineAmbiguousError, MachineNotFoundError, ObjectGoneError
from appliance.vsphere.faults import translated
from appliance.vsphere.places import Places, all_places, places_around
from appliance.vsphere.properties import Properties, all_of_kind, moref_of, properties_of

log = logging.getLogger(__name__)

_NAMING = ("name", "parent", "parentVApp", "config.instanceUuid", "config.uuid")
_DESCRIBING = (
    *_NAMING,
    "config.template",
    "config.changeTrackingEnabled",
    "config.hardware.device",
    "capability.changeTrackingSupported",
    "runtime.powerState",
    "runtime.host",
    "runtime.connectionState",
    "runtime.consolidationNeeded",
    "snapshot",
)


def list_machines(connection: VcenterConnection) -> list[VirtualMachine]:
    """All machines of the vCenter, templates included, by inventory path; read in pages.

    A machine whose configuration vCenter cannot read (its host or datastore is away) has no identity and
    is left out with a warning in the log.
    """
    with translated("listing the machines"):
        places = all_places(connection, vim.HostSystem, vim.ComputeResource)
        found = all_of_kind(connection, vim.VirtualMachine, *_DESCRIBING)
    machines = [
        _machine(connection, moref, properties, places)
        for moref, properties in found.items()
        if _has_identity(moref, properties)
    ]
    return sorted(machines, key=lambda machine: machine.path)


def find_machine(connection: VcenterConnection, wanted: str) -> VirtualMachine:
    """The machine with this moref, instance UUID, BIOS UUID, inventory path or name.

    Raises:
        MachineNotFoundError: there is none.
        MachineAmbiguousError: several answer to it; the message lists their paths.
    """
    with translated(f"looking for machine {wanted!r}"):
        named = all_of_kind(connection, vim.VirtualMachine, *_NAMING)
        if wanted in named:
            return machine_by_moref(connection, ManagedObjectId(wanted))
        places = all_places(connection)
    paths = {moref: _path(properties, places) for moref, properties in named.items()}
    matches = _matches(wanted, named, paths)
    if not matches:
        raise MachineNotFoundError(wanted, connection.address.label)
    if len(matches) > 1:
        candidates = [f"{paths[moref]} ({named[moref].get('config.instanceUuid')})" for moref in matches]
        raise MachineAmbiguousError(wanted, sorted(candidates))
    return machine_by_moref(connection, ManagedObjectId(matches[0]))


def machine_by_identity(connection: VcenterConnection, identity: MachineIdentity) -> VirtualMachine:
    """The machine as it is now, whatever its moref has become.

    Raises:
        MachineNotFoundError: this vCenter has no such machine.
    """
    wanted = identity.instance_uuid
    index = connection.content.searchIndex
    if identity.vcenter_instance_uuid.lower() != connection.instance_uuid.lower() or index is None:
        raise MachineNotFoundError(identity.key, connection.address.label)
    with translated(f"looking for machine {wanted}"):
        found = index.FindByUuid(None, wanted, vmSearch=True, instanceUuid=True)
    if found is None:
        raise MachineNotFoundError(wanted, connection.address.label)
    return machine_by_moref(connection, moref_of(found))


def machine_by_moref(connection: VcenterConnection, moref: ManagedObjectId) -> VirtualMachine:
    """The machine as it is now.

    Raises:
        MachineNotFoundError: this vCenter has no such machine, or cannot read its configuration.
    """
    reference = connection.object_of(vim.VirtualMachine, moref)
    try:
        with translated(f"reading machine {moref}"):
            properties = properties_of(connection, reference, *_DESCRIBING)
            places = places_around(connection, _parent(properties), properties.get("runtime.host"))
    except ObjectGoneError as error:
        raise MachineNotFoundError(moref, connection.address.label) from error
    if not _has_identity(moref, properties):
        raise MachineNotFoundError(f"{moref} ({properties.get('name')})", connection.address.label)
    return _machine(connection, moref, properties, places)


def missing_folders(connection: VcenterConnection, wanted: Collection[str]) -> frozenset[str]:
    """Those of these inventory paths at which vCenter shows no datacenter, folder or vApp."""
    if not wanted:
        return frozenset()
    with translated("looking for folders"):
        known = all_places(connection).every_path()
    return frozenset(path for path in wanted if path.rstrip("/") not in known)


def _matches(wanted: str, named: dict[str, Properties], paths: dict[str, str]) -> list[str]:
    """The morefs that answer to `wanted`, by the most exact way of naming that finds any."""
    by_way = (
        [moref for moref, one in named.items() if one.get("config.instanceUuid") == wanted.lower()],
        [moref for moref, one in named.items() if one.get("config.uuid") == wanted.lower()],
        [moref for moref, path in paths.items() if path == wanted],
        [moref for moref, one in named.items() if one.get("name") == wanted],
    )
    return next((matches for matches in by_way if matches), [])


def _has_identity(moref: str, properties: Properties) -> bool:
    if properties.get("config.instanceUuid"):
        return True
    log.warning("machine has no readable configuration", extra={"machine": properties.get("name", moref)})
    return False


def _machine(
    connection: VcenterConnection, moref: str, properties: Properties, places: Places
) -> VirtualMachine:
    return VirtualMachine(
        moref=ManagedObjectId(moref),
        identity=MachineIdentity(connection.instance_uuid, str(properties["config.instanceUuid"])),
        bios_uuid=str(properties.get("config.uuid", "")),
        name=str(properties["name"]),
        path=_path(properties, places),
        power_state=PowerState(str(properties["runtime.powerState"])),
        host=places.name(properties.get("runtime.host")),
        is_template=bool(properties.get("config.template")),
        change_tracking_enabled=bool(properties.get("config.changeTrackingEnabled")),
        change_tracking_supported=bool(properties.get("capability.changeTrackingSupported")),
        snapshot_count=_count(properties["snapshot"].rootSnapshotList) if properties.get("snapshot") else 0,
        disks=without_change_ids(virtual_disks(properties.get("config.hardware.device", ()))),
        consolidation_needed=bool(properties.get("runtime.consolidationNeeded")),
        connected=str(properties["runtime.connectionState"]) == "connected",
        cluster=places.path(places.cluster_of(properties.get("runtime.host"))),
    )


def _parent(properties: Properties) -> ManagedObject | None:
    return properties.get("parent") or properties.get("parentVApp")


def _path(properties: Properties, places: Places) -> str:
    return f"{places.path(_parent(properties))}/{properties['name']}"


def _count(trees: list[vim.vm.SnapshotTree]) -> int:
    return sum(1 + _count(tree.childSnapshotList) for tree in trees)

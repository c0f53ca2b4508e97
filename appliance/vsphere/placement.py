"""Where a new machine goes: names and paths resolved to what vCenter has, each missing one a clear error."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from pyVmomi import vim
from pyVmomi.VmomiSupport import ManagedObject

from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.documents import CapturedPlace
from appliance.vsphere.errors import PlacementAmbiguousError, PlacementNotFoundError
from appliance.vsphere.inventory_paths import matching_paths
from appliance.vsphere.places import Places, all_places
from appliance.vsphere.properties import all_of_kind, properties_of

Kind = TypeVar("Kind", bound=ManagedObject)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a new machine goes, by name or inventory path; what is None is where the source was.

    `networks` maps captured network names to those of the target. A card of a network that is not named stays
    on the one of its old name, disconnected, and is not made where there is none.
    """

    folder: str | None = None
    resource_pool: str | None = None
    cluster: str | None = None
    host: str | None = None
    datastore: str | None = None
    networks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Target:
    """A placement that exists. `host` is None where the cluster chooses; `datacenter` is a path."""

    datacenter: str
    folder: vim.Folder
    resource_pool: vim.ResourcePool
    host: vim.HostSystem | None
    datastore: vim.Datastore
    datastore_name: str


def resolve(connection: VcenterConnection, placement: Placement, captured: CapturedPlace) -> Target:
    """The target that `placement` names, `captured` filling in what it leaves open.

    Raises:
        PlacementNotFoundError: something named is not there.
        PlacementAmbiguousError: a name is not enough.
        vmodl.MethodFault: as vCenter answers; the caller translates.
    """
    finder = _Finder(
        connection,
        all_places(connection, vim.ResourcePool, vim.ComputeResource, vim.HostSystem, vim.Datastore),
    )
    places = finder.places
    folder = finder.find("folder", placement.folder or captured.folder, vim.Folder)
    datacenter = places.path(places.datacenter_of(folder))
    datastore = finder.find(
        "datastore", placement.datastore or captured.datastore, vim.Datastore, within=datacenter
    )
    pool, host = _pool_and_host(finder, placement, captured, datacenter)
    return Target(datacenter, folder, pool, host, datastore, places.name(datastore))


def network_backings(
    connection: VcenterConnection, names: set[str], datacenter: str
) -> dict[str, vim.vm.device.VirtualDevice.BackingInfo]:
    """What a network card needs to be on each of these networks of a datacenter.

    Raises:
        PlacementNotFoundError: a network is not there.
        PlacementAmbiguousError: several have that name.
        vmodl.MethodFault: as vCenter answers; the caller translates.
    """
    if not names:
        return {}
    finder = _Finder(connection, all_places(connection, vim.Network))
    return {
        name: _backing_on(connection, finder.find("network", name, *_NETWORK_KINDS, within=datacenter))
        for name in sorted(names)
    }


def unneeded_network_backings(
    connection: VcenterConnection, names: set[str], datacenter: str
) -> dict[str, vim.vm.device.VirtualDevice.BackingInfo]:
    """The same as far as there is exactly one such network: for cards that stay disconnected anyway.

    Raises:
        vmodl.MethodFault: as vCenter answers; the caller translates.
    """
    found: dict[str, vim.vm.device.VirtualDevice.BackingInfo] = {}
    for name in names:
        with contextlib.suppress(PlacementNotFoundError, PlacementAmbiguousError):
            found |= network_backings(connection, {name}, datacenter)
    return found


# The special kinds first: each of their objects is one of the general kind too.
_NETWORK_KINDS = (vim.dvs.DistributedVirtualPortgroup, vim.OpaqueNetwork, vim.Network)
_CLUSTER_KINDS = (vim.ClusterComputeResource, vim.ComputeResource)
_POOL_KINDS = (vim.VirtualApp, vim.ResourcePool)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds objects by name or inventory path."""

    connection: VcenterConnection
    places: Places

    def find(self, word: str, wanted: str, *kinds: type[Kind], within: str = "") -> Kind:
        """The one object of `kinds` with the path `wanted`, or with that name somewhere below `within`.

        Raises:
            PlacementNotFoundError: there is none.
            PlacementAmbiguousError: there are several.
        """
        known: dict[str, Kind] = {}
        for kind in reversed(kinds):
            for moref in all_of_kind(self.connection, kind, "name"):
                known[moref] = self.connection.object_of(kind, moref)
        paths = {self.places.path(one): one for one in known.values()}
        matches = matching_paths(wanted, paths, within)
        if not matches:
            there = [path for path in paths if path.startswith(f"{within}/")]
            raise PlacementNotFoundError(word, wanted, there)
        if len(matches) > 1:
            raise PlacementAmbiguousError(word, wanted, matches)
        return paths[matches[0]]


def _pool_and_host(
    finder: _Finder, placement: Placement, captured: CapturedPlace, datacenter: str
) -> tuple[vim.ResourcePool, vim.HostSystem | None]:
    """The pool that is named, or the root pool of the cluster or host that is named, or the captured one.

    The captured host is only kept with the captured pool, and only while it exists: a cluster finds another.
    """
    host = None
    if placement.host is not None:
        host = finder.find("host", placement.host, vim.HostSystem, within=datacenter)
    if placement.resource_pool is not None:
        return finder.find(
            "resource pool", placement.resource_pool, vim.ResourcePool, within=datacenter
        ), host
    if placement.cluster is not None:
        cluster = finder.find("cluster", placement.cluster, *_CLUSTER_KINDS, within=datacenter)
        return _root_pool(finder.connection, cluster), host
    if host is not None:
        parent = properties_of(finder.connection, host, "parent")["parent"]
        return _root_pool(finder.connection, parent), host
    pool = finder.find("resource pool", captured.resource_pool, *_POOL_KINDS, within=datacenter)
    try:
        return pool, finder.find("host", captured.host, vim.HostSystem, within=datacenter)
    except PlacementNotFoundError:
        return pool, None


def _root_pool(connection: VcenterConnection, compute: vim.ComputeResource) -> vim.ResourcePool:
    pool: vim.ResourcePool = properties_of(connection, compute, "resourcePool")["resourcePool"]
    return pool


def _backing_on(
    connection: VcenterConnection, network: vim.Network
) -> vim.vm.device.VirtualDevice.BackingInfo:
    card = vim.vm.device.VirtualEthernetCard
    if isinstance(network, vim.dvs.DistributedVirtualPortgroup):
        config = properties_of(connection, network, "key", "config.distributedVirtualSwitch")
        switch = properties_of(connection, config["config.distributedVirtualSwitch"], "uuid")
        # Never a port key: the captured port belongs to another card.
        port = vim.dvs.PortConnection(switchUuid=switch["uuid"], portgroupKey=config["key"])
        return card.DistributedVirtualPortBackingInfo(port=port)
    if isinstance(network, vim.OpaqueNetwork):
        summary = properties_of(connection, network, "summary")["summary"]
        return card.OpaqueNetworkBackingInfo(
            opaqueNetworkId=summary.opaqueNetworkId, opaqueNetworkType=summary.opaqueNetworkType
        )
    name = properties_of(connection, network, "name")["name"]
    return card.NetworkBackingInfo(deviceName=name, network=network)

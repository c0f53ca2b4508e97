"""Where a restored machine can go, as vCenter lists it: read in pages, whatever the number of places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pyVmomi import vim
from pyVmomi.VmomiSupport import ManagedObject

from appliance.model.target_places import TargetCompute, TargetDatastore, TargetPlaces
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.faults import translated
from appliance.vsphere.places import Places, all_places
from appliance.vsphere.properties import Properties, all_of_kind

_SYSTEM_TAG = "SYSTEM/DVS.UPLINKPG"
"""On the port group of a switch's own uplinks: no machine may join it (vSphere API, "ManagedEntity.tag")."""


def target_places(connection: VcenterConnection) -> TargetPlaces:
    """The folders, clusters, hosts, datastores and networks that this account sees."""
    with translated("listing the places for restored machines"):
        places = all_places(connection, vim.ComputeResource, vim.HostSystem, vim.Datastore, vim.Network)
        folders = all_of_kind(connection, vim.Folder, "childType")
        datastores = all_of_kind(connection, vim.Datastore, "summary")
        networks = all_of_kind(connection, vim.Network, "tag")
        computes = [*_clusters(connection, places), *_hosts(connection, places)]
    return TargetPlaces(
        datacenters=_paths(connection, places, vim.Datacenter, places.datacenters),
        folders=_paths(connection, places, vim.Folder, _holding_machines(folders)),
        computes=tuple(sorted(computes, key=lambda compute: (not compute.is_cluster, compute.path))),
        datastores=tuple(sorted(_datastores(connection, places, datastores), key=lambda one: one.path)),
        networks=_paths(connection, places, vim.Network, _joinable(networks)),
    )


def _clusters(connection: VcenterConnection, places: Places) -> Iterator[TargetCompute]:
    found = all_of_kind(connection, vim.ClusterComputeResource, "datastore", "network")
    for moref, properties in found.items():
        path = places.path(connection.object_of(vim.ClusterComputeResource, moref))
        yield _compute(places, path, properties, is_cluster=True)


def _hosts(connection: VcenterConnection, places: Places) -> Iterator[TargetCompute]:
    found = all_of_kind(
        connection,
        vim.HostSystem,
        "datastore",
        "network",
        "runtime.connectionState",
        "runtime.inMaintenanceMode",
    )
    for moref, properties in found.items():
        path = places.path(connection.object_of(vim.HostSystem, moref))
        connected = str(properties.get("runtime.connectionState")) == "connected"
        usable = connected and not properties.get("runtime.inMaintenanceMode")
        yield replace(_compute(places, path, properties, is_cluster=False), usable=usable)


def _datastores(
    connection: VcenterConnection, places: Places, found: Mapping[str, Properties]
) -> Iterator[TargetDatastore]:
    for moref, properties in found.items():
        summary = properties.get("summary")
        if summary is None:
            continue
        yield TargetDatastore(
            path=places.path(connection.object_of(vim.Datastore, moref)),
            capacity=int(summary.capacity or 0),
            free=int(summary.freeSpace or 0),
            usable=bool(summary.accessible) and summary.maintenanceMode in (None, "normal"),
        )


def _compute(places: Places, path: str, properties: Properties, *, is_cluster: bool) -> TargetCompute:
    datastores, networks = (_reached(places, properties, name) for name in ("datastore", "network"))
    return TargetCompute(path, is_cluster, datastores, networks)


def _reached(places: Places, properties: Properties, name: str) -> frozenset[str]:
    return frozenset(path for one in properties.get(name, ()) if (path := places.path(one)))


def _holding_machines(folders: Mapping[str, Properties]) -> Iterator[str]:
    for moref, properties in folders.items():
        if "VirtualMachine" in {_name_of(kind) for kind in properties.get("childType", ())}:
            yield moref


def _name_of(kind: object) -> str:
    """PyVmomi turns the names of types into types."""
    return str(getattr(kind, "__name__", kind)).rpartition(".")[2]


def _joinable(networks: Mapping[str, Properties]) -> Iterator[str]:
    for moref, properties in networks.items():
        if all(tag.key != _SYSTEM_TAG for tag in properties.get("tag", ())):
            yield moref


def _paths(
    connection: VcenterConnection, places: Places, kind: type[ManagedObject], morefs: Iterable[str]
) -> tuple[str, ...]:
    paths = (places.path(connection.object_of(kind, moref)) for moref in morefs)
    return tuple(sorted({path for path in paths if path}))

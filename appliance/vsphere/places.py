"""Names and inventory paths of what machines lie in and run on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyVmomi import vim
from pyVmomi.VmomiSupport import ManagedObject

from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.properties import Properties, all_of_kind, moref_of, properties_of

# Folders nest no deeper than this in practice; a loop in a broken inventory must end.
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Places:
    """Names and parents of inventory objects by moref, and which of them are datacenters."""

    entities: Mapping[str, Properties]
    datacenters: frozenset[str] = frozenset()

    def name(self, entity: ManagedObject | None) -> str:
        """The entity's name, or an empty string when it is unknown."""
        return str(self._known(entity).get("name", ""))

    def path(self, entity: ManagedObject | None) -> str:
        """The entity's inventory path, `/datacenter/vm/folder`; empty for the root and for nothing."""
        names = [str(known["name"]) for _, known in self._upwards(entity)]
        return "".join(f"/{name}" for name in reversed(names))

    def every_path(self) -> frozenset[str]:
        """The inventory paths of all of them, without the root."""
        inside = [known for known in self.entities.values() if _above(known) is not None]
        return frozenset(f"{self.path(_above(known))}/{known['name']}" for known in inside)

    def datacenter_of(self, entity: ManagedObject | None) -> ManagedObject | None:
        """The datacenter the entity lies in, or is."""
        return next((one for one, _ in self._upwards(entity) if moref_of(one) in self.datacenters), None)

    def cluster_of(self, entity: ManagedObject | None) -> ManagedObject | None:
        """The cluster the entity lies in, or is; None for a host of its own."""
        above = (one for one, _ in self._upwards(entity))
        return next((one for one in above if isinstance(one, vim.ClusterComputeResource)), None)

    def folder_of(self, entity: ManagedObject | None) -> ManagedObject | None:
        """The folder the entity lies in, or is."""
        return next((one for one, _ in self._upwards(entity) if isinstance(one, vim.Folder)), None)

    def _upwards(self, entity: ManagedObject | None) -> Iterator[tuple[ManagedObject, Properties]]:
        """Yield the entity and what it lies in, up to but without the root folder."""
        for _ in range(_DEEPEST):
            known = self._known(entity)
            above = _above(known)
            if entity is None or above is None:
                return
            yield entity, known
            entity = above

    def _known(self, entity: ManagedObject | None) -> Properties:
        return self.entities.get(moref_of(entity), {}) if entity is not None else {}


def all_places(connection: VcenterConnection, *kinds: type[ManagedObject]) -> Places:
    """Every folder, datacenter and vApp of the inventory, and every object of `kinds`.

    Raises:
        vmodl.MethodFault: as vCenter answers; the caller translates.
    """
    root = connection.content.rootFolder
    entities: dict[str, Properties] = {moref_of(root): {"name": "Datacenters"}}
    datacenters = all_of_kind(connection, vim.Datacenter, "name", "parent")
    entities.update(all_of_kind(connection, vim.Folder, "name", "parent"))
    for kind in kinds:
        entities.update(all_of_kind(connection, kind, "name", "parent"))
    entities.update(datacenters)
    entities.update(all_of_kind(connection, vim.VirtualApp, "name", "parent", "parentFolder"))
    return Places(entities, frozenset(datacenters))


def places_around(connection: VcenterConnection, *entities: ManagedObject | None) -> Places:
    """These entities and everything above them.

    Raises:
        vmodl.MethodFault: as vCenter answers; the caller translates.
    """
    found: dict[str, Properties] = {}
    datacenters: set[str] = set()
    waiting = [entity for entity in entities if entity is not None]
    while waiting:
        entity = waiting.pop()
        if moref_of(entity) in found:
            continue
        if isinstance(entity, vim.Datacenter):
            datacenters.add(moref_of(entity))
        paths = ("name", "parent", *(("parentFolder",) if isinstance(entity, vim.VirtualApp) else ()))
        properties = properties_of(connection, entity, *paths)
        found[moref_of(entity)] = properties
        if (above := _above(properties)) is not None:
            waiting.append(above)
    return Places(found, frozenset(datacenters))


def _above(known: Properties) -> ManagedObject | None:
    """What something lies in; a vApp lies in a resource pool, but its machines are listed by its folder."""
    above: ManagedObject | None = known.get("parentFolder") or known.get("parent")
    return above

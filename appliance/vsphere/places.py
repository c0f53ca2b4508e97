"""Names and inventory paths of what machines lie in and run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyVmomi import vim
from pyVmomi.VmomiSupport import ManagedObject

from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.properties import Properties, all_of_kind, moref_of, properties_of

# Folders nest no deeper than this in practice; a loop in a broken inventory must end.
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Places:
    """Names and parents of folders, datacenters, vApps and hosts by moref."""

    entities: Mapping[str, Properties]

    def name(self, entity: ManagedObject | None) -> str:
        """The entity's name, or an empty string when it is unknown."""
        return str(self._known(entity).get("name", ""))

    def path(self, parent: ManagedObject | None, name: str) -> str:
        """The inventory path of `name` in `parent`: `/datacenter/vm/folder/name`."""
        names = [name]
        entity = parent
        for _ in range(_DEEPEST):
            known = self._known(entity)
            above = known.get("parentFolder") or known.get("parent")
            if above is None:  # the root folder has no part in a path
                break
            names.append(str(known["name"]))
            entity = above
        return "/" + "/".join(reversed(names))

    def _known(self, entity: ManagedObject | None) -> Properties:
        return self.entities.get(moref_of(entity), {}) if entity is not None else {}


def all_places(connection: VcenterConnection) -> Places:
    """Every folder, datacenter, vApp and host of the inventory.

    Raises:
        vmodl.MethodFault: as vCenter answers; the caller translates.
    """
    entities: dict[str, Properties] = {}
    root = connection.content.rootFolder
    entities[moref_of(root)] = {"name": "Datacenters"}
    for kind in (vim.Folder, vim.Datacenter, vim.HostSystem):
        entities.update(all_of_kind(connection, kind, "name", "parent"))
    entities.update(all_of_kind(connection, vim.VirtualApp, "name", "parent", "parentFolder"))
    return Places(entities)


def places_around(connection: VcenterConnection, *entities: ManagedObject | None) -> Places:
    """These entities and everything above them.

    Raises:
        vmodl.MethodFault: as vCenter answers; the caller translates.
    """
    found: dict[str, Properties] = {}
    waiting = [entity for entity in entities if entity is not None]
    while waiting:
        entity = waiting.pop()
        if moref_of(entity) in found:
            continue
        # A vApp lies in a resource pool, but its machines are listed under its folder.
        paths = ("name", "parent", *(("parentFolder",) if isinstance(entity, vim.VirtualApp) else ()))
        properties = properties_of(connection, entity, *paths)
        found[moref_of(entity)] = properties
        if (above := properties.get("parentFolder") or properties.get("parent")) is not None:
            waiting.append(above)
    return Places(found)

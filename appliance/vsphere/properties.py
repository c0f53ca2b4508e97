"""Properties of managed objects, read by the property collector: one call for many, never one a property.

A managed object's attribute would be one call each, and reading `task.info` or `vm.runtime` as a whole
brings values pyVmomi cannot always parse.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any  # a property can be of any type of the vSphere API; the caller knows which

from pyVmomi import vim, vmodl
from pyVmomi.VmomiSupport import ManagedObject

from appliance.model.identifiers import ManagedObjectId
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.errors import ObjectGoneError
from appliance.vsphere.faults import error_of

log = logging.getLogger(__name__)

PAGE_OBJECTS = 500

Properties = Mapping[str, Any]

_Collector = vmodl.query.PropertyCollector


def moref_of(target: ManagedObject) -> ManagedObjectId:
    """The id of a managed object, without asking anybody."""
    return ManagedObjectId(str(target._moId))  # noqa: SLF001 - pyVmomi's only name for it


def properties_of(connection: VcenterConnection, target: ManagedObject, *paths: str) -> Properties:
    """The named properties of one object; a property that is not set is missing from the answer.

    Raises:
        vmodl.MethodFault: as vCenter answers; the caller translates.
        PermissionMissingError: vCenter does not show a property: left out silently, it would read as not set.
        ObjectGoneError: vCenter answers with nothing.
    """
    spec = _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=target)],
        propSet=[_Collector.PropertySpec(type=type(target), all=False, pathSet=list(paths))],
    )
    for found in _iter_pages(connection, spec):
        for missing in found.missingSet:
            raise error_of(missing.fault, f"reading {missing.path} of {moref_of(target)}")
        return _properties(found)
    raise ObjectGoneError(f"vCenter {connection.address.label} answers nothing about {moref_of(target)}")


def properties_of_each(
    connection: VcenterConnection, targets: Sequence[ManagedObject], *paths: str
) -> dict[str, Properties]:
    """The named properties of several objects of one kind, by moref; objects that are gone are missing.

    Raises:
        vmodl.MethodFault: as vCenter answers; the caller translates.
    """
    if not targets:
        return {}
    spec = _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=target) for target in targets],
        propSet=[_Collector.PropertySpec(type=type(targets[0]), all=False, pathSet=list(paths))],
        reportMissingObjectsInResults=True,
    )
    return {moref_of(found.obj): _properties(found) for found in _iter_pages(connection, spec)}


def all_of_kind(
    connection: VcenterConnection, kind: type[ManagedObject], *paths: str
) -> dict[str, Properties]:
    """The named properties of every object of `kind` in the inventory, by moref; paged.

    What vCenter does not show of one object is missing, with a word in the log: it must not hide all others.

    Raises:
        vmodl.MethodFault: as vCenter answers; the caller translates.
    """
    number = connection.session_number
    try:
        return dict(_iter_inventory(connection, kind, paths))
    except (vmodl.fault.ManagedObjectNotFound, vmodl.fault.InvalidArgument, vmodl.query.InvalidProperty):
        if connection.session_number == number:
            raise
    # The view and the paging token died with the session; the calls themselves have renewed it.
    return dict(_iter_inventory(connection, kind, paths))


def _iter_inventory(
    connection: VcenterConnection, kind: type[ManagedObject], paths: Sequence[str]
) -> Iterator[tuple[str, Properties]]:
    manager = connection.content.viewManager
    if manager is None:
        raise ObjectGoneError(f"vCenter {connection.address.label} offers no view manager")
    view = manager.CreateContainerView(connection.content.rootFolder, [kind], recursive=True)
    try:
        spec = _Collector.FilterSpec(
            objectSet=[
                _Collector.ObjectSpec(
                    obj=view,
                    skip=True,
                    selectSet=[
                        _Collector.TraversalSpec(
                            name="view", path="view", skip=False, type=vim.view.ContainerView
                        )
                    ],
                )
            ],
            propSet=[_Collector.PropertySpec(type=kind, all=False, pathSet=list(paths))],
        )
        for found in _iter_pages(connection, spec):
            for missing in found.missingSet:
                reason = error_of(missing.fault, f"reading {missing.path} of {moref_of(found.obj)}")
                log.warning("a property was not shown", extra={"reason": str(reason)})
            yield moref_of(found.obj), _properties(found)
    finally:
        _destroy(view)


def _destroy(view: vim.view.View) -> None:
    try:
        view.DestroyView()
    except vmodl.MethodFault:
        return  # gone with its session


def _iter_pages(
    connection: VcenterConnection, spec: vmodl.query.PropertyCollector.FilterSpec
) -> Iterator[vmodl.query.PropertyCollector.ObjectContent]:
    collector = connection.content.propertyCollector
    page = collector.RetrievePropertiesEx([spec], _Collector.RetrieveOptions(maxObjects=PAGE_OBJECTS))
    while page is not None:
        yield from page.objects
        if not page.token:
            return
        page = collector.ContinueRetrievePropertiesEx(page.token)


def _properties(found: vmodl.query.PropertyCollector.ObjectContent) -> Properties:
    return {one.name: one.val for one in found.propSet}

"""Machines on the restore side: created with a mark, filled, powered on, or deleted again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from appliance.model.identifiers import InstallationId, ManagedObjectId
from appliance.model.virtual_machines import VirtualDisk
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.creation_plan import CreationPlan
from appliance.vsphere.marks import Mark


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a new machine goes, by name or inventory path; what is None is where the source was.

    `networks` maps captured network names to those of the target; a network not named keeps its name.
    """

    folder: str | None = None
    resource_pool: str | None = None
    cluster: str | None = None
    host: str | None = None
    datastore: str | None = None
    networks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


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
        DatastoreTooSmallError: less than `needed` is free; nothing was created.
    """
    raise NotImplementedError


def upload_nvram(connection: VcenterConnection, machine: ManagedObjectId, content: bytes) -> None:
    """Put the firmware's variables beside the machine's .vmx, before its first power-on."""
    raise NotImplementedError


def declare_restored(connection: VcenterConnection, machine: ManagedObjectId) -> None:
    """Say that the machine is whole: from now on no reaper touches it."""
    raise NotImplementedError


def machines_marked_by(connection: VcenterConnection, installation: InstallationId) -> list[MarkedMachine]:
    """Every machine this installation has created, unfinished or not."""
    raise NotImplementedError


def delete_machine(connection: VcenterConnection, machine: ManagedObjectId, mark: Mark) -> None:
    """Delete an unfinished machine with its disks; gone already is fine.

    Raises:
        ForeignMachineError: it does not carry `mark`, or its restore was declared finished.
    """
    raise NotImplementedError


def power_on(connection: VcenterConnection, machine: ManagedObjectId) -> None:
    """Start the machine."""
    raise NotImplementedError

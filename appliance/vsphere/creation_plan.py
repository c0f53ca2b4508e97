"""From a stored configuration to the specification of a new machine; pure."""

from __future__ import annotations

from dataclasses import dataclass

from pyVmomi import vim


@dataclass(frozen=True, slots=True)
class CreationOptions:
    """How the new machine differs from the captured one.

    `device_keys`: the captured disks to create (None = all that can be); `keep_identity` keeps BIOS and
    instance UUID and MAC addresses (only when the original is gone); `connect_networks` leaves network
    cards as they were.
    """

    name: str
    device_keys: frozenset[int] | None = None
    keep_identity: bool = False
    connect_networks: bool = False


@dataclass(frozen=True, slots=True)
class PlannedDisk:
    """A disk the new machine gets: the captured disk's key and label, and its address on the controllers."""

    source_key: int
    label: str
    capacity: int
    address: str


@dataclass(frozen=True, slots=True)
class CapturedPlace:
    """Where the machine was, by names: the default placement of a restored one."""

    datacenter: str
    folder: str
    resource_pool: str
    host: str
    datastore: str


@dataclass(frozen=True, slots=True)
class CreationPlan:
    """What `create_machine` needs; `specification` lacks what only vCenter knows (datastore, networks)."""

    name: str
    specification: vim.vm.ConfigSpec
    disks: tuple[PlannedDisk, ...]
    networks: tuple[str, ...]
    place: CapturedPlace
    warnings: tuple[str, ...]


def creation_plan(document: str, options: CreationOptions) -> CreationPlan:
    """The plan for a new machine like the one in `document` (`MachineConfiguration.document`).

    Raises:
        ConfigurationUnreadableError: the document is not one of ours, or lacks what a machine needs.
    """
    raise NotImplementedError

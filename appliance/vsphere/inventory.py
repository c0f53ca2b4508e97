"""Machines and their disks, as vCenter lists them."""

from __future__ import annotations

from appliance.model.identifiers import ManagedObjectId
from appliance.model.virtual_machines import MachineIdentity, VirtualMachine
from appliance.vsphere.connection import VcenterConnection


def list_machines(connection: VcenterConnection) -> list[VirtualMachine]:
    """All machines of the vCenter, templates included, by inventory path; read in pages of 500."""
    raise NotImplementedError


def find_machine(connection: VcenterConnection, wanted: str) -> VirtualMachine:
    """The machine with this moref, instance UUID, inventory path or name (in that order).

    Raises:
        MachineNotFoundError: there is none.
        MachineAmbiguousError: several have this name; the message lists their paths.
    """
    raise NotImplementedError


def machine_by_identity(connection: VcenterConnection, identity: MachineIdentity) -> VirtualMachine:
    """The machine as it is now, whatever its moref has become.

    Raises:
        MachineNotFoundError: this vCenter has no such machine.
    """
    raise NotImplementedError


def machine_by_moref(connection: VcenterConnection, moref: ManagedObjectId) -> VirtualMachine:
    """The machine as it is now.

    Raises:
        MachineNotFoundError: this vCenter has no such machine.
    """
    raise NotImplementedError

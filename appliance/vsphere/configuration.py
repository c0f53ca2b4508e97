"""A machine's configuration as it goes into a recovery point."""

from __future__ import annotations

from appliance.model.virtual_machines import MachineConfiguration, VirtualMachine
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.snapshots import SnapshotFacts


def read_configuration(
    connection: VcenterConnection, machine: VirtualMachine, snapshot: SnapshotFacts
) -> MachineConfiguration:
    """All of the machine that is not the content of its disks, as of the snapshot.

    `document` is JSON with the keys `format` (1), `captured_from` (folder, resource pool, host,
    datastore, by names) and `config` (the snapshot's `vim.vm.ConfigInfo`).
    """
    raise NotImplementedError

from __future__ import annotations

import pytest
from pyVmomi import vim

from appliance.model.virtual_machines import ExclusionReason, MachineIdentity, PowerState
from appliance.vsphere import find_machine, list_machines, machine_by_identity
from appliance.vsphere.errors import MachineAmbiguousError, MachineNotFoundError
from appliance.vsphere.tasks import wait_for_task
from keepline_lab import Disk, Machine
from keepline_lab.laboratories import StartLab
from tests.simulated.vsphere.steps import MIB, connected

ODD = Machine(
    "odd-01",
    (
        Disk(size=MIB),
        Disk(size=MIB, mode="independent_persistent"),
        Disk(size=MIB, sharing="multi_writer"),
        Disk(size=MIB, backing="rdm_physical"),
    ),
    power="off",
)


def test_machines_are_listed_with_disks_and_what_excludes_them(laboratory: StartLab) -> None:
    web = Machine("web-01", (Disk(size=64 * MIB), Disk(size=MIB)), change_tracking=True)
    with connected(laboratory(web, ODD)) as connection:
        odd, found = list_machines(connection)
        assert (found.name, found.path) == ("web-01", "/Datacenter/vm/web-01")
        assert found.cluster.startswith("/Datacenter/host/")
        assert (found.power_state, odd.power_state) == (PowerState.ON, PowerState.OFF)
        assert found.identity.vcenter_instance_uuid == connection.instance_uuid
        assert [disk.capacity for disk in found.disks] == [64 * MIB, MIB]
        assert [disk.label for disk in found.disks] == ["Hard disk 1", "Hard disk 2"]
        assert all(disk.backing_uuid and disk.change_id is None for disk in found.disks)
        assert (found.change_tracking_enabled, odd.change_tracking_enabled) == (True, False)
        assert [disk.exclusion for disk in odd.disks] == [
            None,
            ExclusionReason.INDEPENDENT,
            ExclusionReason.MULTI_WRITER,
            ExclusionReason.PHYSICAL_RAW_DEVICE,
        ]


def test_a_machine_is_found_by_everything_that_names_it(laboratory: StartLab) -> None:
    lab = laboratory(Machine("web-01", (Disk(size=MIB),)), Machine("web-02", (Disk(size=MIB),)))
    with connected(lab) as connection:
        wanted = find_machine(connection, "web-02")
        names = [wanted.moref, wanted.path, wanted.bios_uuid, wanted.identity.instance_uuid.upper()]
        assert all(find_machine(connection, name) == wanted for name in names)
        assert machine_by_identity(connection, wanted.identity) == wanted


def test_a_machine_nobody_has_is_not_found(laboratory: StartLab) -> None:
    with connected(laboratory(Machine("web-01", (Disk(size=MIB),)))) as connection:
        web = find_machine(connection, "web-01")
        for name in ("web", "vm-999999", "", "/web-01"):
            with pytest.raises(MachineNotFoundError):
                find_machine(connection, name)
        strangers = [
            MachineIdentity(connection.instance_uuid, "00000000-0000-0000-0000-000000000000"),
            MachineIdentity("00000000-0000-0000-0000-000000000000", web.identity.instance_uuid),
        ]
        for stranger in strangers:
            with pytest.raises(MachineNotFoundError):
                machine_by_identity(connection, stranger)


def test_machines_of_one_name_are_told_apart_by_their_paths(laboratory: StartLab) -> None:
    north = Machine("web-north", (Disk(size=MIB),), folder="north")
    south = Machine("web-south", (Disk(size=MIB),), folder="south")
    with connected(laboratory(north, south)) as connection:
        for machine in list_machines(connection):
            reference = connection.object_of(vim.VirtualMachine, machine.moref)
            wait_for_task(connection, reference.Rename_Task("web"), "renaming")
        with pytest.raises(
            MachineAmbiguousError, match=r"/Datacenter/vm/north/web .*/Datacenter/vm/south/web "
        ):
            find_machine(connection, "web")
        assert find_machine(connection, "/Datacenter/vm/south/web").path == "/Datacenter/vm/south/web"

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pyVmomi import vim

from appliance.model.virtual_machines import MachineConfiguration, PowerState, VirtualMachine
from appliance.vsphere import (
    CreationOptions,
    Placement,
    Quiesce,
    VcenterConnection,
    create_machine,
    creation_plan,
    declare_restored,
    delete_machine,
    ensure_tracking,
    find_machine,
    list_machines,
    machine_by_moref,
    machines_marked_by,
    power_on,
    read_configuration,
    snapshot_of,
    upload_nvram,
)
from appliance.vsphere.datastore_files import datastore_file, read_file, write_file
from appliance.vsphere.errors import (
    DatastoreFileError,
    DatastoreTooSmallError,
    ForeignMachineError,
    MachineExistsError,
    PlacementAmbiguousError,
    PlacementNotFoundError,
)
from appliance.vsphere.properties import all_of_kind, properties_of
from keepline_lab import Datastore, Disk, Lab, Machine, VcenterSettings
from keepline_lab.control import CallFault
from keepline_lab.laboratories import StartLab
from tests.simulated.vsphere.steps import ELSEWHERE, FOREIGN, HERE, MARK, MIB, OTHER_RUN, connected

WEB = Machine(
    "web-01",
    (
        Disk(size=8 * MIB),
        Disk(size=3 * MIB, controller="nvme"),
        Disk(size=MIB, mode="independent_persistent"),
        Disk(size=5 * MIB, controller="sata"),
    ),
    firmware="efi",
    nvram=True,
    folder="front end",
    annotation="front end",
    networks=("VM Network",),
)
SETTINGS = VcenterSettings(networks=("Isolated",), datastores=(Datastore("fast"), Datastore("large")))
PLAIN = CreationOptions("web-01 restored")


@pytest.fixture
def lab(laboratory: StartLab) -> Lab:
    return laboratory(WEB, settings=SETTINGS)


@pytest.fixture
def connection(lab: Lab) -> Iterator[VcenterConnection]:
    with connected(lab) as connection:
        yield connection


@pytest.fixture
def web(connection: VcenterConnection) -> VirtualMachine:
    return find_machine(connection, "web-01")


@pytest.fixture
def captured(connection: VcenterConnection, web: VirtualMachine) -> MachineConfiguration:
    ensure_tracking(connection, web, MARK)
    with snapshot_of(connection, web, MARK, quiesce=Quiesce()) as facts:
        return read_configuration(connection, web, facts)


def networks_of(connection: VcenterConnection, machine: str) -> list[str]:
    reference = connection.object_of(vim.VirtualMachine, machine)
    networks = properties_of(connection, reference, "network")["network"]
    return [properties_of(connection, network, "name")["name"] for network in networks]


def options_of(connection: VcenterConnection, machine: str) -> dict[str, str]:
    reference = connection.object_of(vim.VirtualMachine, machine)
    options = properties_of(connection, reference, "config.extraConfig")["config.extraConfig"]
    return {option.key: option.value for option in options}


def test_all_of_a_machine_but_its_disks_content_is_captured(
    captured: MachineConfiguration, web: VirtualMachine
) -> None:
    document = json.loads(captured.document)
    assert document["config"]["instanceUuid"] == web.identity.instance_uuid
    assert document["captured_from"]["folder"] == "/Datacenter/vm/front end"
    assert document["captured_from"]["host"].endswith(f"/{web.host}")
    assert captured.vmx is not None
    assert b'displayName = "web-01"' in captured.vmx
    assert captured.nvram


def test_a_machine_without_nvram_is_captured_without(laboratory: StartLab) -> None:
    with connected(laboratory(Machine("bare", (Disk(size=MIB),), nvram=False))) as connection:
        bare = find_machine(connection, "bare")
        with snapshot_of(connection, bare, MARK, quiesce=Quiesce()) as facts:
            configuration = read_configuration(connection, bare, facts)
        assert configuration.nvram is None
        assert configuration.vmx is not None


def test_files_are_read_and_written_although_the_session_ended(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    file = datastore_file("/Datacenter", web.disks[0].backing).sibling("note.txt")
    lab.control.terminate_sessions()
    write_file(connection, file, b"kept")
    lab.control.terminate_sessions()
    assert read_file(connection, file) == b"kept"
    assert read_file(connection, file.sibling("nothing.txt")) is None
    with pytest.raises(DatastoreFileError, match=r"note\.txt"):
        write_file(connection, replace(file, datastore="nowhere"), b"lost")


def test_a_machine_comes_back_with_its_disks_where_they_were(
    connection: VcenterConnection, web: VirtualMachine, captured: MachineConfiguration
) -> None:
    plan = creation_plan(captured.document, PLAIN)
    made = create_machine(connection, plan, Placement(), MARK, needed=MIB)

    by_key = {disk.device_key: disk for disk in web.disks}
    capturable = [disk for disk in web.disks if disk.exclusion is None]
    assert sorted(one.source_key for one in made.disks) == [disk.device_key for disk in capturable]
    assert all(one.disk.capacity == by_key[one.source_key].capacity for one in made.disks)
    assert any("Hard disk 3" in warning for warning in made.warnings)

    machine = machine_by_moref(connection, made.moref)
    assert machine.path == "/Datacenter/vm/front end/web-01 restored"
    assert machine.power_state is PowerState.OFF
    assert machine.identity.instance_uuid != web.identity.instance_uuid
    assert machine.bios_uuid != web.bios_uuid
    assert not machine.change_tracking_enabled
    assert not any("ctk" in key for key in options_of(connection, made.moref))


def test_a_machine_goes_where_it_is_sent(
    connection: VcenterConnection, captured: MachineConfiguration
) -> None:
    placement = Placement(
        folder="/Datacenter/vm",
        host="esx-02.lab",
        datastore="large",
        networks={"VM Network": "Isolated"},
    )
    plan = creation_plan(captured.document, PLAIN)
    made = create_machine(connection, plan, placement, MARK, needed=MIB)
    machine = machine_by_moref(connection, made.moref)
    assert (machine.path, machine.host) == ("/Datacenter/vm/web-01 restored", "esx-02.lab")
    assert all(disk.backing.startswith("[large]") for disk in machine.disks)
    assert networks_of(connection, made.moref) == ["Isolated"]


@pytest.mark.parametrize(
    "placement",
    [
        Placement(folder="nowhere"),
        Placement(resource_pool="nowhere"),
        Placement(cluster="nowhere"),
        Placement(host="nowhere"),
        Placement(datastore="nowhere"),
        Placement(networks={"VM Network": "nowhere"}),
    ],
)
def test_a_place_that_is_not_there_is_named_with_what_is(
    connection: VcenterConnection, captured: MachineConfiguration, placement: Placement
) -> None:
    plan = creation_plan(captured.document, PLAIN)
    with pytest.raises(PlacementNotFoundError, match=r"'nowhere'; known: .*/"):
        create_machine(connection, plan, placement, MARK, needed=MIB)
    assert [machine.name for machine in list_machines(connection)] == ["web-01"]


def test_a_name_that_several_places_have_is_refused_and_a_path_is_not(
    connection: VcenterConnection, captured: MachineConfiguration
) -> None:
    (datacenter,) = all_of_kind(connection, vim.Datacenter, "name")
    reference = connection.object_of(vim.Datacenter, datacenter)
    root = properties_of(connection, reference, "vmFolder")["vmFolder"]
    for name in ("north", "south"):
        root.CreateFolder(name).CreateFolder("web")
    plan = creation_plan(captured.document, PLAIN)
    with pytest.raises(PlacementAmbiguousError, match=r"/Datacenter/vm/north/web, /Datacenter/vm/south/web"):
        create_machine(connection, plan, Placement(folder="web"), MARK, needed=MIB)
    made = create_machine(connection, plan, Placement(folder="/Datacenter/vm/south/web"), MARK, needed=MIB)
    assert machine_by_moref(connection, made.moref).path == "/Datacenter/vm/south/web/web-01 restored"


def test_a_card_that_stays_disconnected_does_not_need_its_network(
    connection: VcenterConnection, captured: MachineConfiguration
) -> None:
    plan = creation_plan(captured.document, PLAIN)
    elsewhere = replace(plan, networks=tuple((key, "Old network") for key, _ in plan.networks))
    made = create_machine(connection, elsewhere, Placement(), MARK, needed=MIB)
    assert networks_of(connection, made.moref) == []
    assert [warning for warning in made.warnings if "Old network" in warning]


def test_networks_of_either_kind_are_found_again_by_name(laboratory: StartLab) -> None:
    machine = Machine("router", (Disk(size=MIB),), networks=("VM Network", "Isolated"))
    with connected(laboratory(machine, settings=SETTINGS)) as connection:
        router = find_machine(connection, "router")
        with snapshot_of(connection, router, MARK, quiesce=Quiesce()) as facts:
            configuration = read_configuration(connection, router, facts)
        plan = creation_plan(configuration.document, PLAIN)
        assert sorted(name for _, name in plan.networks) == ["Isolated", "VM Network"]
        made = create_machine(connection, plan, Placement(), MARK, needed=MIB)
        assert sorted(networks_of(connection, made.moref)) == ["Isolated", "VM Network"]


def test_a_datastore_that_is_too_small_is_refused_with_both_numbers(
    lab: Lab, connection: VcenterConnection, captured: MachineConfiguration
) -> None:
    lab.control.force_free_space("large", 1000)
    plan = creation_plan(captured.document, PLAIN)
    with pytest.raises(DatastoreTooSmallError, match="large has 1000 bytes free, 1001 are needed"):
        create_machine(connection, plan, Placement(datastore="large"), MARK, needed=1001)
    assert create_machine(connection, plan, Placement(datastore="large"), MARK, needed=1000)


def test_a_taken_name_is_refused(connection: VcenterConnection, captured: MachineConfiguration) -> None:
    plan = creation_plan(captured.document, replace(PLAIN, name="web-01"))
    with pytest.raises(MachineExistsError, match="web-01"):
        create_machine(connection, plan, Placement(), MARK, needed=MIB)


@pytest.mark.parametrize("action", ["drop", "drop_after", "http_503"])
def test_a_lost_answer_never_makes_a_second_machine(
    lab: Lab, connection: VcenterConnection, captured: MachineConfiguration, action: str
) -> None:
    lab.control.add_fault(CallFault("CreateVM_Task", action))
    plan = creation_plan(captured.document, PLAIN)
    made = create_machine(connection, plan, Placement(), MARK, needed=MIB)
    assert [one.moref for one in machines_marked_by(connection, HERE)] == [made.moref]
    assert len(list_machines(connection)) == 2


def test_an_unfinished_machine_can_be_deleted_by_its_own_run_only(
    connection: VcenterConnection, captured: MachineConfiguration
) -> None:
    plan = creation_plan(captured.document, PLAIN)
    made = create_machine(connection, plan, Placement(), MARK, needed=MIB)
    (marked,) = machines_marked_by(connection, HERE)
    assert (marked.mark, marked.unfinished, marked.name) == (MARK, True, "web-01 restored")
    assert machines_marked_by(connection, ELSEWHERE) == []
    for other in (OTHER_RUN, FOREIGN):
        with pytest.raises(ForeignMachineError):
            delete_machine(connection, made.moref, other)
    delete_machine(connection, made.moref, MARK)
    delete_machine(connection, made.moref, MARK)  # gone already is fine
    assert [machine.name for machine in list_machines(connection)] == ["web-01"]


def test_a_restored_machine_is_never_deleted(
    connection: VcenterConnection, captured: MachineConfiguration
) -> None:
    plan = creation_plan(captured.document, PLAIN)
    made = create_machine(connection, plan, Placement(), MARK, needed=MIB)
    declare_restored(connection, made.moref)
    assert [one.unfinished for one in machines_marked_by(connection, HERE)] == [False]
    with pytest.raises(ForeignMachineError, match="finished"):
        delete_machine(connection, made.moref, MARK)


def test_a_machine_of_somebody_else_is_never_deleted(
    connection: VcenterConnection, web: VirtualMachine
) -> None:
    with pytest.raises(ForeignMachineError, match="web-01"):
        delete_machine(connection, web.moref, MARK)


def test_the_firmware_finds_its_variables_at_the_first_start(
    connection: VcenterConnection, captured: MachineConfiguration
) -> None:
    assert captured.nvram is not None
    plan = creation_plan(captured.document, PLAIN)
    made = create_machine(connection, plan, Placement(), MARK, needed=MIB)
    upload_nvram(connection, made.moref, captured.nvram)
    power_on(connection, made.moref)
    power_on(connection, made.moref)  # running already is fine
    restored = machine_by_moref(connection, made.moref)
    assert restored.power_state is PowerState.ON
    with snapshot_of(connection, restored, MARK, quiesce=Quiesce()) as facts:
        assert read_configuration(connection, restored, facts).nvram == captured.nvram


def test_identity_is_kept_only_when_wished(
    connection: VcenterConnection, web: VirtualMachine, captured: MachineConfiguration
) -> None:
    reference = connection.object_of(vim.VirtualMachine, web.moref)
    if web.power_state is PowerState.ON:
        reference.PowerOffVM_Task()
    plan = creation_plan(captured.document, replace(PLAIN, keep_identity=True))
    assert plan.specification.instanceUuid == web.identity.instance_uuid
    made = create_machine(connection, plan, Placement(), MARK, needed=MIB)
    assert machine_by_moref(connection, made.moref).bios_uuid == web.bios_uuid

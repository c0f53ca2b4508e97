"""What a restore's plan says is what the engine then does: place, networks, and the machine's name."""

from __future__ import annotations

from pyVmomi import vim

from appliance.assembly import console_services
from appliance.model.documents import from_json
from appliance.model.requests import RestoreMachineRequest
from appliance.model.results import BackupResult, RestoreMachineResult
from appliance.model.runs import Run, RunState
from appliance.services import Protection, choices_of
from appliance.vsphere.properties import properties_of
from keepline_lab import Datastore, Disk, Machine, VcenterSettings
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import MACHINE, VCENTER, Installation
from tests.simulated.vsphere.steps import connected

MIB = 1 << 20
SETTINGS = VcenterSettings(networks=("Isolated",), datastores=(Datastore("fast"), Datastore("large")))
WEB = Machine(MACHINE, (Disk(size=2 * MIB),), folder="front end", networks=("VM Network",))


def test_a_planned_restore_goes_where_its_plan_said(installation_of: MakeInstallation) -> None:
    installation = installation_of(WEB, lab_settings=SETTINGS)
    backup = from_json(BackupResult, installation.back_up().result or "")
    order = RestoreMachineRequest(
        backup.point,
        VCENTER,
        "copy",
        datastore="/Datacenter/datastore/large",
        folder="/Datacenter/vm",
        networks=(("VM Network", "/Datacenter/network/Isolated"),),
    )
    run = carried_out(installation, order)

    assert run.state is RunState.SUCCEEDED
    made = from_json(RestoreMachineResult, run.result or "")
    with connected(installation.lab) as connection:
        machine = connection.object_of(vim.VirtualMachine, made.machine)
        facts = properties_of(connection, machine, "config.hardware.device", "datastore", "network")
        names = [
            properties_of(connection, each, "name")["name"]
            for each in (*facts["datastore"], *facts["network"])
        ]
    assert names == ["large", "Isolated"]
    (card,) = [
        each
        for each in facts["config.hardware.device"]
        if isinstance(each, vim.vm.device.VirtualEthernetCard)
    ]
    assert card.connectable.startConnected is True


def carried_out(installation: Installation, order: RestoreMachineRequest) -> Run:
    """Plan it as the console does, start that plan, and be the engine until it has ended."""
    with installation.open() as appliance:
        console = console_services(appliance, installation.settings)
        console.estate.refresh()
        estate = console.estate.current()
        (web,) = estate.machines
        assert (web.protection, web.cluster[:17]) == (Protection.UNPLANNED, "/Datacenter/host/")
        source = console.restore_plans.source(console.points.find(order.point).point)
        choices = choices_of(source, estate.places[VCENTER])
        assert (choices.datastore.chosen, choices.folder.chosen, choices.compute.chosen) == ("", "", "")
        assert choices.source_networks == ("VM Network",)

        plan = console.restore_plans.plan(order)
        assert plan.can_start, plan.checks
        assert "datastore /Datacenter/datastore/large" in plan.steps[0].detail
        run = console.restore_plans.start(order, plan.digest).run
        with appliance.engine_lock.held():
            appliance.make_engine().run_until_ended([run.id])
        return appliance.runs.find(run.id)

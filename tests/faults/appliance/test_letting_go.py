"""All disks are durable, and then vCenter does not let go of the machine: that costs no point (rule 4)."""

from __future__ import annotations

import pytest

from appliance.model.identifiers import RecoveryPointId
from appliance.model.runs import RunState
from keepline_lab import Disk, Machine, VddkFault
from keepline_lab.control import CallFault
from tests.faults.appliance.aftermath import open_journal
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import MACHINE, Installation, contents_now, ours_left, result_of

KIB = 1024


@pytest.fixture
def installation(installation_of: MakeInstallation) -> Installation:
    made = installation_of(Machine(MACHINE, (Disk(size=3000 * KIB),)))
    result_of(made.back_up())  # turns tracking on, for which a snapshot of its own comes and goes
    made.lab.control.write_random(MACHINE, 0, 0, 2000 * KIB, seed=1)
    return made


def check_point_is_there_and_the_next_start_tidies_up(installation: Installation) -> None:
    moment = contents_now(installation.lab)
    failed = installation.back_up()

    assert failed.state is RunState.FAILED
    assert open_journal(installation) != []
    assert installation.disks_of(RecoveryPointId(failed.id)) == moment
    assert any(
        "is whole, but something is left in vCenter" in line for line in installation.log_of(failed.id)
    )

    installation.lab.control.clear_faults()
    installation.lab.set_vddk_faults([])
    assert result_of(installation.back_up())
    assert ours_left(installation.lab) == []
    assert open_journal(installation) == []
    assert [path.name for path in installation.settings.state_folder.glob("runs/*")] == []


def test_snapshot_that_cannot_be_removed_costs_no_point(installation: Installation) -> None:
    refusal = CallFault("RemoveSnapshot_Task", "task_fault", count=1000, fault="NotSupported")
    installation.lab.control.add_fault(refusal)

    check_point_is_there_and_the_next_start_tidies_up(installation)


def test_access_that_cannot_be_ended_costs_no_point(installation: Installation) -> None:
    installation.lab.set_vddk_faults([VddkFault("VixDiskLib_EndAccess", "error:1", count=0)])

    check_point_is_there_and_the_next_start_tidies_up(installation)

"""Movers die and hang: the run goes on from what is durable, or ends with a clear error; nothing is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.model.runs import RunState
from keepline_lab import Disk, Machine, VcenterSettings, VddkFault
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import (
    MACHINE,
    Installation,
    contents_now,
    ours_left,
    result_of,
    users_of,
)

MIB = 1 << 20


def test_killed_mover_resumes_from_its_checkpoint_and_leaves_no_snapshot(
    installation_of: MakeInstallation, tmp_path: Path
) -> None:
    """Acceptance 5; rule 1: the rows of the dead mover belong to the same snapshot, so they count."""
    installation = installation_of(Machine(MACHINE, (Disk(size=160 * MIB),)))
    installation.lab.control.write_random(MACHINE, 0, 0, 150 * MIB, seed=1)
    moment = contents_now(installation.lab)
    once = tmp_path / "once"
    once.touch()
    installation.lab.set_vddk_faults([VddkFault("VixDiskLib_Read", "kill", nth=120, once=once)])

    run = installation.back_up()

    assert run.state is RunState.SUCCEEDED, run.failure
    assert not once.exists(), "no mover was killed"
    (disk,) = result_of(run).disks
    assert 0 < disk.resumed_blocks < 160 * MIB // (256 << 10)
    assert any("SIGKILL" in line for line in installation.log_of(run.id))
    assert installation.disks_of(result_of(run).point) == moment
    check_nothing_left(installation)


def check_nothing_left(installation: Installation) -> None:
    assert ours_left(installation.lab) == []
    assert users_of(installation.settings.state_folder) == []


@pytest.mark.parametrize("function", ["VixDiskLib_Read", "VixDiskLib_Open", "VixDiskLib_ConnectEx"])
def test_killed_mover_is_tried_again_at_any_call(
    function: str, installation_of: MakeInstallation, tmp_path: Path
) -> None:
    installation = installation_of(Machine(MACHINE, (Disk(size=4 * MIB), Disk(size=2 * MIB))))
    installation.lab.control.write_random(MACHINE, 0, 0, 3 * MIB, seed=1)
    moment = contents_now(installation.lab)
    once = tmp_path / "once"
    once.touch()
    installation.lab.set_vddk_faults([VddkFault(function, "kill", once=once)])

    run = installation.back_up()

    assert run.state is RunState.SUCCEEDED, run.failure
    assert not once.exists(), "no mover was killed"
    assert installation.disks_of(result_of(run).point) == moment
    check_nothing_left(installation)


def test_mover_that_dies_at_every_try_fails_the_run_and_the_next_one_succeeds(
    installation_of: MakeInstallation,
) -> None:
    """Rule 5: a disk that failed means no point."""
    installation = installation_of(Machine(MACHINE, (Disk(size=2 * MIB), Disk(size=2 * MIB))))
    installation.lab.control.write_random(MACHINE, 1, 0, MIB, seed=1)
    installation.lab.set_vddk_faults([VddkFault("VixDiskLib_Read", "kill", count=0)])

    run = installation.back_up()

    assert run.state is RunState.FAILED
    assert run.failure is not None
    assert "SIGKILL" in run.failure.message
    assert installation.listing().points == ()
    check_nothing_left(installation)
    installation.lab.set_vddk_faults([])
    moment = contents_now(installation.lab)
    again = installation.back_up()
    assert again.state is RunState.SUCCEEDED, again.failure
    assert installation.disks_of(result_of(again).point) == moment


@pytest.mark.parametrize("code", [2, 14009, 14014])
def test_reading_error_that_passes_is_overcome(code: int, installation_of: MakeInstallation) -> None:
    installation = installation_of(Machine(MACHINE, (Disk(size=4 * MIB),)))
    installation.lab.control.write_random(MACHINE, 0, 0, 3 * MIB, seed=1)
    moment = contents_now(installation.lab)
    fault = VddkFault("VixDiskLib_Read", f"error:{code}", nth=3)
    installation.lab.set_vddk_faults([fault])

    run = installation.back_up()

    assert run.state is RunState.SUCCEEDED, run.failure
    assert installation.disks_of(result_of(run).point) == moment
    check_nothing_left(installation)


@pytest.mark.parametrize("function", ["VixDiskLib_Read", "VixDiskLib_Open", "VixDiskLib_ConnectEx"])
def test_hanging_library_ends_the_run_with_a_clear_error_and_its_movers(
    function: str, installation_of: MakeInstallation
) -> None:
    """A thread in a hanging call cannot be ended: its process is."""
    installation = installation_of(Machine(MACHINE, (Disk(size=2 * MIB),)), call_limit_seconds=1.0)
    installation.lab.control.write_random(MACHINE, 0, 0, MIB, seed=1)
    installation.lab.set_vddk_faults([VddkFault(function, "hang:600000", count=0)])

    run = installation.back_up()

    assert run.state is RunState.FAILED
    assert run.failure is not None
    assert run.failure.code == "KL-3013"
    assert installation.listing().points == ()
    check_nothing_left(installation)


def test_library_that_hangs_once_is_overcome(installation_of: MakeInstallation, tmp_path: Path) -> None:
    installation = installation_of(Machine(MACHINE, (Disk(size=2 * MIB),)), call_limit_seconds=1.0)
    installation.lab.control.write_random(MACHINE, 0, 0, MIB, seed=1)
    moment = contents_now(installation.lab)
    once = tmp_path / "once"
    once.touch()
    installation.lab.set_vddk_faults([VddkFault("VixDiskLib_Read", "hang:600000", once=once)])

    run = installation.back_up()

    assert run.state is RunState.SUCCEEDED, run.failure
    assert not once.exists(), "nothing hung"
    assert installation.disks_of(result_of(run).point) == moment
    check_nothing_left(installation)


def test_lying_transport_is_found_by_reading_a_restored_machine_back(
    installation_of: MakeInstallation,
) -> None:
    """Writes that VDDK reports as done but did not do: the restored machine is not declared whole."""
    installation = installation_of(Machine(MACHINE, (Disk(size=2 * MIB),)), read_back_percent=100)
    installation.lab.control.write_random(MACHINE, 0, 0, MIB, seed=1)
    point = result_of(installation.back_up()).point
    installation.lab.set_vddk_faults([VddkFault("VixDiskLib_Write", "zeros", count=0)])

    run = installation.restore_machine(point, "restored")

    assert run.failure is not None
    assert run.failure.code == "KL-5062"
    assert [machine.name for machine in installation.lab.control.machines()] == [MACHINE]
    check_nothing_left(installation)


def test_host_with_room_for_few_connections_is_read_through_those(installation_of: MakeInstallation) -> None:
    """Rule 13: a task gets fewer handles rather than waiting for all of them."""
    installation = installation_of(
        Machine(MACHINE, (Disk(size=4 * MIB), Disk(size=4 * MIB))),
        lab_settings=VcenterSettings(nfc_handles_per_host=3),
        workers_per_disk=4,
    )
    installation.lab.control.write_random(MACHINE, 0, 0, 4 * MIB, seed=1)
    installation.lab.control.write_random(MACHINE, 1, 0, 4 * MIB, seed=2)
    moment = contents_now(installation.lab)

    run = installation.back_up()

    assert run.state is RunState.SUCCEEDED, run.failure
    assert any("instead of 4 connections" in line for line in installation.log_of(run.id))
    assert installation.disks_of(result_of(run).point) == moment
    check_nothing_left(installation)

"""Two appliances on one vCenter: neither touches what the other has left there (rule 9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.model.runs import RunState
from keepline_lab import Disk, Machine
from tests.faults.appliance.breakpoints import LibraryCall
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import (
    MACHINE,
    Installation,
    contents_now,
    ours_left,
    result_of,
)
from tests.waiting import wait_until

MIB = 1 << 20


@pytest.fixture
def first(installation_of: MakeInstallation) -> Installation:
    return installation_of(Machine(MACHINE, (Disk(size=2 * MIB),)), Machine("web-02", (Disk(size=MIB),)))


def killed_backup(installation: Installation, keepline: WarmProcess, folder: Path) -> list[str]:
    """A backup whose engine was killed while it read; the snapshots that there are then."""
    with LibraryCall("VixDiskLib_Read").armed(installation.lab, folder) as wait_for_it:
        started = keepline.command(installation, "backup", MACHINE)
        wait_for_it()
        started.kill()
        started.wait()
    wait_until(lambda: not installation.lab.control.state().open_handles, "the movers have ended")
    return [snapshot.moref for snapshot in installation.lab.control.state().snapshots]


@pytest.mark.parametrize("machine", [MACHINE, "web-02"], ids=["same-machine", "other-machine"])
def test_recovery_of_one_leaves_the_others_snapshot(
    machine: str, first: Installation, keepline: WarmProcess, tmp_path: Path
) -> None:
    first.lab.control.write_random(MACHINE, 0, 0, MIB, seed=1)
    moment = contents_now(first.lab)
    second = first.other(tmp_path / "second")
    left = killed_backup(first, keepline, tmp_path)

    run = second.back_up(machine)
    assert run.state is RunState.SUCCEEDED, run.failure
    assert second.disks_of(result_of(run).point) == contents_now(second.lab, machine)
    assert keepline(second, "repository", "check").status == 0
    assert [snapshot.moref for snapshot in first.lab.control.state().snapshots] == left

    first.lab.control.write_random(MACHINE, 0, MIB, MIB, seed=2)
    resumed = keepline(first, "backup", MACHINE)
    assert resumed.status == 0, resumed.output
    assert first.disks_of(resumed.run["result"]["point"]) == moment
    assert ours_left(first.lab) == []


def test_both_follow_the_same_machine_by_their_own_change_ids(first: Installation, tmp_path: Path) -> None:
    """Rule 2: the parent is the newest point in *this* repository, whatever the other one has read."""
    second = first.other(tmp_path / "second")
    for seed, appliance in enumerate((first, second, second, first, second, first)):
        first.lab.control.write_random(MACHINE, 0, seed * 131_072, 65_536, seed=seed)
        run = appliance.back_up()
        assert run.state is RunState.SUCCEEDED, run.failure
        assert appliance.disks_of(result_of(run).point) == contents_now(first.lab)
    assert ours_left(first.lab) == []

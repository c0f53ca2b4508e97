"""Two appliances on one vCenter: neither touches what the other has left there (rule 9).

Two with one installation id, which one copied from the other has, stop each other instead.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
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


def copy_of(installation: Installation, folder: Path) -> Installation:
    """The same appliance once more, with everything it knows: as a copied virtual appliance."""
    shutil.copytree(installation.settings.state_folder, folder)
    settings = installation.settings.model_copy(update={"state_folder": folder})
    return replace(installation, settings=settings)


def test_a_copied_appliance_and_its_original_stop_each_other(
    first: Installation, keepline: WarmProcess, tmp_path: Path
) -> None:
    """The copy knows of the snapshot that the original will go on with, and must not take it away."""
    first.lab.control.write_random(MACHINE, 0, 0, MIB, seed=1)
    moment = contents_now(first.lab)
    copy = copy_of(first, tmp_path / "copy")
    assert keepline(first, "backup", "web-02").status == 0  # the original has started since it was copied
    left = killed_backup(first, keepline, tmp_path)

    for asked, renamed in ((copy, "copy"), (first, "original")):
        answer = keepline(asked, "backup", MACHINE)
        assert answer.status != 0, renamed
        assert "KL-6042" in answer.output
        assert "keepline installation" in answer.output
    assert [snapshot.moref for snapshot in first.lab.control.state().snapshots] == left

    assert keepline(copy, "installation", "renew").status == 0
    assert keepline(first, "installation", "claim").status == 0
    resumed = keepline(first, "backup", MACHINE)
    assert resumed.status == 0, resumed.output
    assert first.disks_of(resumed.run["result"]["point"]) == moment
    assert keepline(copy, "backup", "web-02").status == 0
    assert keepline(first, "backup", "web-02").status == 0
    assert ours_left(first.lab) == []


def test_an_appliance_that_takes_over_a_repository_stops_the_one_before(
    first: Installation, keepline: WarmProcess, tmp_path: Path
) -> None:
    assert keepline(first, "backup", MACHINE).status == 0
    second = replace(first, settings=first.settings.model_copy(update={"state_folder": tmp_path / "rebuilt"}))

    taken_over = keepline(second, "init", str(first.repository))

    assert taken_over.status == 0
    assert "if that one still runs, it will refuse to" in taken_over.output
    assert keepline(second, "point", "verify", str(first.listing().points[0].point.id)).status == 0
    refused = keepline(first, "backup", MACHINE)
    assert refused.status != 0
    assert "KL-6042" in refused.output

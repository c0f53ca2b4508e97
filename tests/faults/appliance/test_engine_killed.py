"""kill -9 of the command that is the engine, at many moments of a run; the next command puts it right."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyVmomi import vim

from appliance.model.identifiers import RecoveryPointId
from keepline_lab import Disk, Machine
from tests.faults.appliance.aftermath import Ledger, open_journal
from tests.faults.appliance.breakpoints import Breakpoint, LibraryCall, VcenterCall
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import (
    MACHINE,
    Installation,
    contents_now,
    contents_of,
    ours_left,
    users_of,
)
from tests.simulated.appliance.world import vsphere_client
from tests.waiting import wait_until

KIB = 1024
MIB = 1 << 20

FIRST_BACKUP = (
    VcenterCall("RetrievePropertiesEx", 12),
    LibraryCall("VixDiskLib_PrepareForAccess"),
    VcenterCall("ReconfigVM_Task"),
    VcenterCall("CreateSnapshot_Task", 1),  # the one that makes change tracking effective
    VcenterCall("RemoveSnapshot_Task", 1),
    VcenterCall("CreateSnapshot_Task", 2),
    LibraryCall("VixDiskLib_QueryAllocatedBlocks"),
    LibraryCall("VixDiskLib_Read"),
)
WITHOUT_SNAPSHOT: tuple[Breakpoint, ...] = (
    VcenterCall("CreateSnapshot_Task"),
    LibraryCall("VixDiskLib_EndAccess"),
    VcenterCall("Logout", 2),  # the first one is of the command that asks for the run
)
WITH_SNAPSHOT: tuple[Breakpoint, ...] = (
    VcenterCall("QueryChangedDiskAreas"),
    VcenterCall("QueryChangedDiskAreas", 2),
    LibraryCall("VixDiskLib_ConnectEx"),
    LibraryCall("VixDiskLib_Open"),
    LibraryCall("VixDiskLib_Read"),
    LibraryCall("VixDiskLib_Close"),
    VcenterCall("RemoveSnapshot_Task"),
)
LATER_BACKUP = [
    *(pytest.param(moment, False, id=str(moment)) for moment in WITHOUT_SNAPSHOT),
    *(pytest.param(moment, False, id=f"{moment}-snapshot-stays") for moment in WITH_SNAPSHOT),
    *(pytest.param(moment, True, id=f"{moment}-snapshot-removed") for moment in WITH_SNAPSHOT),
]
RESTORE = (
    VcenterCall("CreateVM_Task"),
    LibraryCall("VixDiskLib_PrepareForAccess"),
    LibraryCall("VixDiskLib_ConnectEx"),
    LibraryCall("VixDiskLib_Write"),
    LibraryCall("VixDiskLib_EndAccess"),
    VcenterCall("ReconfigVM_Task"),
    VcenterCall("Logout"),
)


@pytest.fixture
def installation(installation_of: MakeInstallation) -> Installation:
    return installation_of(Machine(MACHINE, (Disk(size=6000 * KIB), Disk(size=700 * KIB + 512))))


def back_up(keepline: WarmProcess, ledger: Ledger) -> RecoveryPointId:
    ended = keepline(ledger.installation, "backup", MACHINE)
    assert ended.status == 0, ended.output + ended.errors
    return RecoveryPointId(ended.run["result"]["point"])


def kill_at(
    moment: Breakpoint, keepline: WarmProcess, installation: Installation, folder: Path, *command: str
) -> None:
    with moment.armed(installation.lab, folder) as wait_for_it:
        started = keepline.command(installation, *command, "--json")
        wait_for_it()
        started.kill()
        assert started.wait().status == -9


def kill_and_go_on(
    moment: Breakpoint, keepline: WarmProcess, ledger: Ledger, folder: Path, *, meddle: bool
) -> None:
    """Rule 1, both cases: the snapshot still exists and is resumed, or somebody has removed it."""
    installation = ledger.installation
    before = ledger.guest_writes()
    kill_at(moment, keepline, installation, folder, "backup", MACHINE)
    snapshots, pending = ledger.snapshots(), ledger.has_pending_point()
    if meddle:
        wait_until(lambda: not users_of(installation.settings.state_folder), "the movers have ended")
        for snapshot in snapshots:
            installation.lab.control.remove_snapshot(MACHINE, snapshot.moref)
    after = ledger.guest_writes()

    ended = keepline(installation, "backup", MACHINE)

    assert ended.status == 0, ended.output + ended.errors
    assert ended.run["attempt"] == 2
    is_resumed = pending or bool(snapshots and not meddle)
    ledger.moments[RecoveryPointId(ended.run["result"]["point"])] = before if is_resumed else after
    ledger.check()
    ledger.moments[back_up(keepline, ledger)] = after
    ledger.check()


@pytest.mark.parametrize("moment", FIRST_BACKUP, ids=str)
def test_first_backup_killed_is_taken_up_by_the_next_command(
    moment: Breakpoint, installation: Installation, keepline: WarmProcess, tmp_path: Path
) -> None:
    kill_and_go_on(moment, keepline, Ledger(installation), tmp_path, meddle=False)


@pytest.mark.parametrize(("moment", "meddle"), LATER_BACKUP)
def test_increment_killed_is_taken_up_by_the_next_command(
    moment: Breakpoint, installation: Installation, keepline: WarmProcess, tmp_path: Path, *, meddle: bool
) -> None:
    ledger = Ledger(installation)
    moment_of_first = ledger.guest_writes()
    ledger.moments[back_up(keepline, ledger)] = moment_of_first
    kill_and_go_on(moment, keepline, ledger, tmp_path, meddle=meddle)


@pytest.mark.parametrize("meddle", [False, True], ids=["snapshot-stays", "snapshot-removed"])
def test_checkpoints_of_a_killed_run_count_only_while_their_snapshot_exists(
    installation_of: MakeInstallation, keepline: WarmProcess, tmp_path: Path, *, meddle: bool
) -> None:
    """Rule 1: rows of two snapshots never meet in one draft."""
    installation = installation_of(Machine(MACHINE, (Disk(size=160 * MIB),)))
    control = installation.lab.control
    control.write_random(MACHINE, 0, 0, 150 * MIB, seed=1)
    ledger = Ledger(installation)
    before = contents_now(installation.lab)
    kill_at(LibraryCall("VixDiskLib_Read", 120), keepline, installation, tmp_path, "backup", MACHINE)
    wait_until(lambda: not users_of(installation.settings.state_folder), "the movers have ended")
    assert list(installation.repository.glob("drafts/*/*/*.rows")), "there is a checkpoint to take up"
    if meddle:
        (snapshot,) = ledger.snapshots()
        control.remove_snapshot(MACHINE, snapshot.moref)
    for place in range(0, 150 * MIB, 10 * MIB):
        control.write_random(MACHINE, 0, place, MIB, seed=place + 1)

    ended = keepline(installation, "backup", MACHINE)

    assert ended.status == 0, ended.output
    (disk,) = ended.run["result"]["disks"]
    assert (disk["resumed_blocks"] == 0) == meddle
    point = RecoveryPointId(ended.run["result"]["point"])
    ledger.moments[point] = contents_now(installation.lab) if meddle else before
    ledger.check()


@pytest.mark.parametrize("moment", RESTORE, ids=str)
def test_killed_restore_of_a_machine_leaves_none_unfinished(
    moment: Breakpoint, installation: Installation, keepline: WarmProcess, tmp_path: Path
) -> None:
    """Rule 9: the half-restored machine carries our mark; the next start deletes it and begins anew."""
    ledger = Ledger(installation)
    disks = ledger.guest_writes()
    point = back_up(keepline, ledger)
    ledger.moments[point] = disks
    kill_at(moment, keepline, installation, tmp_path, "restore", "vm", point, "--name", "restored")

    ledger.moments[back_up(keepline, ledger)] = disks

    (run,) = keepline(installation, "run", "list", "--kind", "restore-machine").document["runs"]
    assert run["state"] == "succeeded", run["failure"]
    machines = {machine.name: machine for machine in installation.lab.control.machines()}
    assert set(machines) == {MACHINE, "restored"}
    assert list(contents_of(machines["restored"]).values()) == list(disks.values())
    ledger.check()


def test_killed_restore_of_a_disk_leaves_no_file(
    installation: Installation, keepline: WarmProcess, tmp_path: Path
) -> None:
    """The file has its name only when every block is in it."""
    ledger = Ledger(installation)
    disks = ledger.guest_writes()
    point = back_up(keepline, ledger)
    ledger.moments[point] = disks
    targets = tmp_path / "targets"
    targets.mkdir()
    before = len(installation.listing().points)
    started = keepline.command(installation, "restore", "disk", point, "0", "--to", str(targets / "a.raw"))
    wait_until(lambda: users_of(installation.settings.state_folder) != [], "the command has begun")
    started.kill()
    started.wait()
    whole = targets / "a.raw"
    assert not whole.exists() or whole.read_bytes() == next(iter(disks.values()))

    ledger.moments[back_up(keepline, ledger)] = disks

    assert len(installation.listing().points) == before + 1
    assert [path.name for path in targets.iterdir()] in ([], ["a.raw"])
    if whole.exists():
        assert whole.read_bytes() == next(iter(disks.values()))
    ledger.check()


def test_killed_backup_of_a_machine_that_was_deleted_meanwhile_ends(
    installation: Installation, keepline: WarmProcess, tmp_path: Path
) -> None:
    """A machine takes its snapshot and its locks along: nothing is waited for for ever."""
    kill_at(LibraryCall("VixDiskLib_Read"), keepline, installation, tmp_path, "backup", MACHINE)
    with vsphere_client(installation.lab) as service:
        machine = vim.VirtualMachine(installation.lab.control.machine(MACHINE).moref, service._stub)
        wait_until(lambda: not installation.lab.control.state().open_handles, "the movers have ended")
        machine.PowerOffVM_Task()
        wait_until(lambda: installation.lab.control.machine(MACHINE).power != "on", "it is off")
        machine.Destroy_Task()
        wait_until(lambda: not installation.lab.control.machines(), "it is deleted")

    assert keepline(installation, "repository", "check").status == 0

    runs = keepline(installation, "run", "list", "--kind", "backup").document["runs"]
    assert [(run["state"], run["failure"]["code"]) for run in runs] == [("failed", "KL-2031")]
    assert open_journal(installation) == []


def test_killed_backup_is_ended_where_vcenter_is_away_and_cleaned_up_later(
    installation: Installation, keepline: WarmProcess, tmp_path: Path
) -> None:
    """Rule 9: what could not be taken away stays in the journal until it could."""
    kill_at(LibraryCall("VixDiskLib_Read"), keepline, installation, tmp_path, "backup", MACHINE)
    installation.lab.stop()

    ended = keepline(installation, "point", "list")
    assert ended.status == 0
    failed = keepline(installation, "repository", "check")
    assert failed.status == 0, failed.output
    runs = keepline(installation, "run", "list").document["runs"]
    assert {run["kind"]: run["state"] for run in runs}["backup"] == "failed"
    assert open_journal(installation) != [], "the snapshot is still there"

    installation.lab.restart_vcenter()
    assert keepline(installation, "backup", MACHINE).status == 0
    assert ours_left(installation.lab) == []
    assert open_journal(installation) == []

"""An admin's day on the command line, and what stopping or killing it leaves."""

from __future__ import annotations

import signal

import pytest

from keepline_lab import VddkFault
from tests.simulated.cli.shell import Shell
from tests.waiting import wait_until


def test_from_init_to_restored_bytes(shell: Shell) -> None:
    shell.set_up()
    assert [each["name"] for each in shell.document("vcenter", "test", "127.0.0.1")["checks"]] == [
        "certificate",
        "log-in",
        "inventory",
    ]
    (run,) = shell.document("backup", "web-01")["runs"]
    point = run["result"]["point"]
    target = shell.folder / "restored.raw"

    restored = shell.document("restore", "disk", point, "Hard disk 1", "--to", str(target))["run"]

    assert restored["state"] == "succeeded"
    assert target.read_bytes() == (shell.folder / "disk.img").read_bytes()
    assert shell.document("point", "verify", point)["run"]["result"]["damaged"] == []
    assert shell.document("repository", "check", "--read-data")["run"]["state"] == "succeeded"
    assert [each["state"] for each in shell.document("run", "list")["runs"]] == ["succeeded"] * 4
    listed = {
        each["machine"]["name"]: each["newest_point"] for each in shell.document("vm", "list")["machines"]
    }
    assert listed == {"web-01": point}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_backup_is_cancelled_and_leaves_nothing_in_vcenter(
    shell: Shell, number: signal.Signals
) -> None:
    shell.set_up()
    with shell.started("backup", "web-01", "--json") as command:
        wait_until(shell.marked_snapshots)
        command.send_signal(number)
        _, errors = command.communicate()

    assert command.returncode == 11, errors
    assert shell.marked_snapshots() == []
    assert [run["state"] for run in shell.document("run", "list")["runs"]] == ["cancelled"]


def test_the_next_command_takes_up_a_killed_backup(shell: Shell) -> None:
    shell.set_up()
    with shell.started("backup", "web-01") as command:
        wait_until(shell.marked_snapshots)
        command.kill()
        command.communicate()

    (run,) = shell.document("backup", "web-01")["runs"]

    assert (run["state"], run["attempt"]) == ("succeeded", 2)
    assert shell.marked_snapshots() == []
    assert len(shell.document("point", "list")["points"]) == 1


def test_two_commands_at_once_share_one_engine(shell: Shell) -> None:
    shell.set_up()
    # The first one works until the second has long been asked for, however slowly that starts.
    shell.lab.set_vddk_faults([VddkFault("VixDiskLib_Read", "hang:15000")])
    with shell.started("backup", "web-01", "--json") as first:
        wait_until(shell.marked_snapshots)
        second = shell.document("backup", "web-01")
        (joined,) = second["runs"]
        first.communicate()

    assert first.returncode == 0
    assert (joined["state"], joined["attempt"]) == ("succeeded", 1)
    assert second["joined"] == [joined["id"]]
    assert len(shell.document("run", "list")["runs"]) == 1

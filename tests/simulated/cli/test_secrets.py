"""The canary: vCenter's password is followed through a whole backup and must be seen nowhere (rule 14)."""

from __future__ import annotations

import stat

from tests.simulated.cli.shell import Shell, descendants_of, traces_of
from tests.waiting import wait_until


def test_the_password_is_in_no_argument_environment_log_or_file(shell: Shell) -> None:
    shell.set_up()
    password = shell.lab.address.password
    traces: dict[int, str] = {}

    with shell.started("backup", "web-01", "--json") as command:

        def look() -> bool:
            for process in (command.pid, *descendants_of(command.pid)):
                traces[process] = traces.get(process, "") + traces_of(process)
            return command.poll() is not None

        wait_until(look)
        output, errors = command.communicate()

    assert command.returncode == 0, errors
    assert len([trace for trace in traces.values() if "appliance.mover" in trace]) >= 2  # access and disk
    assert [process for process, trace in traces.items() if password in trace] == []
    assert password not in output + errors
    assert "run started" in errors  # the log was on, at its loudest
    kept = [
        path for root in (shell.state_folder, shell.repository) for path in root.rglob("*") if path.is_file()
    ]
    assert len(kept) > 5
    assert [path.name for path in kept if password.encode() in path.read_bytes()] == []


def test_what_the_appliance_keeps_is_for_its_owners_eyes_only(shell: Shell) -> None:
    shell.set_up()
    assert stat.S_IMODE(shell.state_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((shell.state_folder / "appliance.key").stat().st_mode) == 0o600

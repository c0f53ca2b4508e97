"""Two commands for one machine at the same moment, and a password that nobody else ever sees."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keepline_lab import Disk, LibraryBehaviour, Machine, VcenterSettings
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import (
    MACHINE,
    VCENTER,
    Installation,
    contents_now,
    ours_left,
    users_of,
)
from tests.waiting import wait_until

MIB = 1 << 20
SLOW = LibraryBehaviour(latency_microseconds={"nbdssl": 400_000, "nbd": 400_000})
CANARY = "canary-Pa55word-4711"


def is_reading(installation: Installation) -> bool:
    return bool(installation.lab.control.state().open_handles)


def test_second_command_for_a_machine_joins_the_run_of_the_first(
    installation_of: MakeInstallation, keepline: WarmProcess
) -> None:
    """Rule 6: at most one active run for each machine; the second command follows it and says so."""
    installation = installation_of(Machine(MACHINE, (Disk(size=6 * MIB),)), behaviour=SLOW)
    installation.lab.control.write_random(MACHINE, 0, 0, 6 * MIB, seed=1)
    first = keepline.command(installation, "backup", MACHINE, "--json")
    wait_until(lambda: is_reading(installation), "the first command reads")

    second = keepline.command(installation, "backup", MACHINE, "--json")
    ends = [first.wait(), second.wait()]

    assert [ended.status for ended in ends] == [0, 0], ends
    assert ends[0].run["id"] == ends[1].run["id"]
    assert ends[0].run["id"] in ends[1].errors
    assert len(keepline(installation, "run", "list").document["runs"]) == 1
    (listed,) = installation.listing().points
    assert installation.disks_of(listed.point.id) == contents_now(installation.lab)
    assert ours_left(installation.lab) == []


def test_cancelled_run_leaves_nothing_and_the_next_one_succeeds(
    installation_of: MakeInstallation, keepline: WarmProcess
) -> None:
    installation = installation_of(Machine(MACHINE, (Disk(size=6 * MIB),)), behaviour=SLOW)
    installation.lab.control.write_random(MACHINE, 0, 0, 6 * MIB, seed=1)
    first = keepline.command(installation, "backup", MACHINE, "--json")
    wait_until(lambda: is_reading(installation), "the command reads")
    (run,) = keepline(installation, "run", "list").document["runs"]

    assert keepline(installation, "run", "cancel", run["id"]).status == 0
    ended = first.wait()

    assert ended.status == 11, ended.output
    assert ended.run["state"] == "cancelled"
    assert ours_left(installation.lab) == []
    assert users_of(installation.settings.state_folder) == []
    assert keepline(installation, "backup", MACHINE).status == 0
    assert len(installation.listing().points) == 1


@pytest.fixture
def canary(installation_of: MakeInstallation) -> Installation:
    return installation_of(
        Machine(MACHINE, (Disk(size=4 * MIB),)),
        lab_settings=VcenterSettings(password=CANARY),
        behaviour=SLOW,
        log_level="debug",
    )


def test_password_is_in_no_argument_environment_log_or_file(
    canary: Installation, keepline: WarmProcess, tmp_path: Path
) -> None:
    """Rule 14: sealed at rest, and seen by nobody who may look at processes or read logs."""
    canary.lab.control.write_random(MACHINE, 0, 0, 4 * MIB, seed=1)
    started = keepline.command(canary, "backup", MACHINE)
    wait_until(lambda: is_reading(canary), "the command reads")
    movers = [process for process in users_of(canary.settings.state_folder) if process != started.process]

    assert movers
    for process in (started.process, *movers):
        assert CANARY.encode() not in Path(f"/proc/{process}/cmdline").read_bytes()
        assert CANARY.encode() not in Path(f"/proc/{process}/environ").read_bytes()
    assert list(files_with(CANARY, canary)) == []
    assert list(files_with(canary.lab.address.user, canary)), "what is stored in the open is found"
    ended = started.wait()
    assert ended.status == 0, ended.errors
    assert CANARY not in ended.output + ended.errors

    with other_password(canary):
        refused = keepline(canary, "backup", MACHINE)
    assert refused.status == 3
    assert CANARY not in refused.output + refused.errors
    assert CANARY not in keepline(canary, "vcenter", "list").output
    assert CANARY not in keepline(canary, "vcenter", "test", VCENTER).output
    assert list(files_with(CANARY, canary)) == []


@contextmanager
def other_password(installation: Installation) -> Iterator[None]:
    """While the context is open, vCenter wants another one."""
    configuration = installation.lab.folder / "vcenter.json"
    text = configuration.read_text()
    installation.lab.stop()
    configuration.write_text(text.replace(CANARY, "another"))
    installation.lab.restart_vcenter()
    yield
    installation.lab.stop()
    configuration.write_text(text)
    installation.lab.restart_vcenter()


def files_with(text: str, installation: Installation) -> Iterator[Path]:
    """The files of state folder and repository that hold the text, in whatever shape bytes may have."""
    shapes = {text.encode(), text.encode("utf-16-le"), text.encode().hex().encode()}
    for folder in (installation.settings.state_folder, installation.repository):
        for name in (Path(base, name) for base, _, names in os.walk(folder) for name in names):
            try:
                content = name.read_bytes()
            except FileNotFoundError:  # a run is at work
                continue
            if any(shape in content for shape in shapes):
                yield name

"""Random disks with random histories: any listed point restores to the bytes of its moment."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from appliance.model.disk_tasks import TargetFormat
from keepline_lab import Disk, Lab, Machine, Simulators
from tests.simulated.appliance.installation import MACHINE, Installation
from tests.simulated.appliance.world import (
    SECTOR,
    BackUp,
    DiskGrows,
    DiskIsSwapped,
    GuestWrites,
    GuestZeroes,
    MachineIsRenamed,
    PowerChanges,
    RestoreToFile,
    RestoreToMachine,
    Step,
    TrackingIsCorrupted,
    TrackingIsReset,
    UserRemovesSnapshot,
    UserReverts,
    UserTakesSnapshot,
    World,
)

LONG = bool(os.environ.get("KEEPLINE_TEST_LONG"))
EXAMPLES = 200 if LONG else 10
# One example takes seconds: making a failing one smaller is worth its time only where somebody waits for it.
PHASES = tuple(Phase) if LONG else (Phase.explicit, Phase.reuse, Phase.generate)

some_disk = st.integers(0, 2)
thousandths = st.integers(0, 1000)
sizes = st.integers(300 * 1024 // SECTOR, (6 << 20) // SECTOR).map(lambda sectors: sectors * SECTOR)

guest = st.one_of(
    st.builds(GuestWrites, some_disk, thousandths, st.integers(0, 200), st.integers(1, 1000)),
    st.builds(GuestWrites, some_disk, thousandths, st.integers(0, 3), st.integers(1, 1000)),
    st.builds(GuestZeroes, some_disk, thousandths, st.integers(0, 300)),
)
snapshots = st.one_of(
    st.builds(UserTakesSnapshot),
    st.builds(UserRemovesSnapshot, some_disk),
    st.builds(UserReverts, some_disk),
    st.builds(UserReverts, some_disk),
)
administrator = st.one_of(
    snapshots,
    snapshots,
    st.builds(DiskGrows, some_disk, st.integers(1, 1000)),
    st.builds(DiskIsSwapped, some_disk, st.integers(600, 4000)),
    st.builds(TrackingIsReset, some_disk),
    st.builds(TrackingIsCorrupted, some_disk),
    st.builds(PowerChanges),
    st.builds(MachineIsRenamed, st.integers(0, 9)),
)
restore = st.one_of(
    st.builds(RestoreToFile, some_disk, some_disk, st.sampled_from(TargetFormat)),
    st.builds(RestoreToMachine, some_disk),
)
backups = st.builds(BackUp, st.sampled_from([False, False, False, True]))


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """A life between backups, three or four times, with a restore at some moments."""
    steps: list[Step] = [*draw(st.lists(guest, max_size=3)), draw(backups)]
    for _ in range(draw(st.integers(2, 3))):
        life = [*draw(st.lists(guest, min_size=1, max_size=4)), *draw(st.lists(administrator, max_size=3))]
        steps += draw(st.permutations(life))
        steps.append(draw(backups))
        steps += draw(st.lists(restore, max_size=1))
    return steps


REVERTED: list[Step] = [
    UserTakesSnapshot(),
    GuestWrites(0, 0, 300, 1),
    BackUp(),
    UserReverts(0),
    GuestWrites(0, 500, 50, 2),
    BackUp(),
    GuestWrites(0, 800, 50, 3),
    UserReverts(0),
    GuestWrites(0, 900, 50, 4),
    UserRemovesSnapshot(0),
    BackUp(),
]
REPLACED: list[Step] = [
    GuestWrites(0, 0, 400, 1),
    GuestWrites(1, 0, 400, 2),
    BackUp(),
    DiskIsSwapped(0, 1500),
    GuestWrites(1, 800, 100, 3),
    BackUp(),
    DiskGrows(1, 700),
    GuestWrites(1, 990, 10, 4),
    BackUp(),
    TrackingIsReset(0),
    TrackingIsCorrupted(1),
    GuestZeroes(0, 100, 500),
    GuestZeroes(1, 0, 300),
    BackUp(),
]
"""What is known to fool backup products, so that it is tried each time."""


@pytest.mark.timeout(0 if LONG else 900)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=PHASES,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(disks=st.lists(sizes, min_size=1, max_size=3), tracked=st.booleans(), steps=histories())
@example(disks=[2 << 20, 1 << 20], tracked=True, steps=REVERTED)
@example(disks=[1_000_448, 2 << 20], tracked=False, steps=REPLACED)
def test_every_point_of_a_random_history_restores_to_the_bytes_of_its_moment(
    simulators: Simulators, disks: list[int], steps: list[Step], *, tracked: bool
) -> None:
    machine = Machine(MACHINE, tuple(Disk(size=size) for size in disks), change_tracking=tracked)
    with (
        tempfile.TemporaryDirectory(prefix="history-") as name,
        Lab.start(Path(name, "lab"), [machine], simulators=simulators) as lab,
    ):
        installation = Installation.make(Path(name, "appliance"), lab)
        world = World(installation, lab.control.machine(MACHINE).moref, Path(name))
        for step in steps:
            step.happen(world)
        world.check_everything()

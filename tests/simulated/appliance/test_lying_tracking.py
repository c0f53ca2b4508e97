"""Change tracking that lies: a complete read finds every wrong block and says which points to doubt."""

from __future__ import annotations

import pytest

from appliance.model.change_tracking import ReadScope
from appliance.model.identifiers import RecoveryPointId
from appliance.model.runs import RunState
from keepline_lab import Disk, Machine
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import MACHINE, Installation, contents_now, result_of

KIB = 1024
BLOCK = 256 * KIB
SIZE = 16 * BLOCK + 100 * KIB


@pytest.fixture
def installation(installation_of: MakeInstallation) -> Installation:
    made = installation_of(Machine(MACHINE, (Disk(size=SIZE), Disk(size=600 * KIB))))
    made.lab.control.write_random(MACHINE, 0, 0, SIZE, seed=1)
    return made


def point_after(installation: Installation, *, full: bool = False) -> RecoveryPointId:
    run = installation.back_up(full=full)
    assert run.state is RunState.SUCCEEDED, run.failure
    return result_of(run).point


Doubts = list[tuple[str, list[tuple[int, int]]]]


def suspects(installation: Installation) -> dict[RecoveryPointId, Doubts]:
    """The doubtful points with their doubtful disks and blocks."""
    return {
        listed.point.id: [
            (disk.label, [(blocks.first, blocks.count) for blocks in disk.ranges])
            for mark in listed.suspect_marks
            for disk in mark.disks
        ]
        for listed in installation.listing().points
        if listed.suspect_marks
    }


def test_safe_full_repairs_the_newest_point_and_marks_those_since_the_last_complete_read(
    installation: Installation, keepline: WarmProcess
) -> None:
    """Acceptance 2: under lying change tracking only a complete read proves equality."""
    control = installation.lab.control
    complete = point_after(installation)
    first = contents_now(installation.lab)
    for block in (3, 5, 7):
        control.write_random(MACHINE, 0, block * BLOCK, BLOCK // 2, seed=block)
    control.write_random(MACHINE, 1, 0, 300 * KIB, seed=3)
    control.lie(MACHINE, 0, drop_every=2, queries=1)
    lied = point_after(installation)
    control.write(MACHINE, 0, 12 * BLOCK + 512, b"unseen".ljust(512), tracked=False)
    after = point_after(installation)

    assert installation.disks_of(lied) != contents_now(installation.lab)
    repaired = point_after(installation, full=True)

    assert installation.disks_of(repaired) == contents_now(installation.lab)
    assert installation.disks_of(complete) == first
    found = suspects(installation)
    assert set(found) == {lied, after}
    ((label, ranges),) = found[lied]
    assert label == "Hard disk 1"
    wrong = {block for start, count in ranges for block in range(start, start + count)}
    assert 12 in wrong
    assert wrong - {12}
    assert wrong - {12} < {3, 5, 7}
    shown = keepline(installation, "point", "list").document["points"]
    assert [bool(point["suspect_marks"]) for point in shown] == [False, True, True, False]
    (mark,) = keepline(installation, "point", "show", lied).document["suspect_marks"]
    assert mark["found_by"] == repaired


def test_wrong_blocks_are_exactly_the_doubtful_ones(installation: Installation) -> None:
    control = installation.lab.control
    point_after(installation)
    for block in range(0, 16, 2):
        control.write_random(MACHINE, 0, block * BLOCK, BLOCK // 2, seed=block)
    control.lie(MACHINE, 0, drop_every=2, queries=1)
    moment = contents_now(installation.lab)
    lied = point_after(installation)

    point_after(installation, full=True)

    uuid = installation.lab.control.machine(MACHINE).disks[0].uuid
    stored, true = installation.disks_of(lied)[uuid], moment[uuid]
    wrong = [at // BLOCK for at in range(0, SIZE, BLOCK) if stored[at : at + BLOCK] != true[at : at + BLOCK]]
    assert wrong
    ((_, ranges),) = suspects(installation)[lied]
    assert wrong == [block for first, count in ranges for block in range(first, first + count)]


def test_nothing_is_doubted_where_tracking_told_the_truth(installation: Installation) -> None:
    control = installation.lab.control
    for seed in range(3):
        control.write_random(MACHINE, 0, seed * BLOCK, BLOCK, seed=seed)
        point_after(installation, full=seed == 2)

    assert suspects(installation) == {}
    newest = installation.listing().points[-1].point
    assert {image.scope for image in newest.images} == {ReadScope.EVERYTHING}


def test_points_before_the_last_complete_read_are_not_doubted(installation: Installation) -> None:
    control = installation.lab.control
    point_after(installation)
    control.write_random(MACHINE, 0, 0, BLOCK, seed=4)
    point_after(installation)
    point_after(installation, full=True)
    control.write(MACHINE, 0, 5 * BLOCK, b"unseen".ljust(512), tracked=False)
    doubtful = point_after(installation)

    newest = point_after(installation, full=True)

    assert set(suspects(installation)) == {doubtful}
    assert installation.disks_of(newest) == contents_now(installation.lab)

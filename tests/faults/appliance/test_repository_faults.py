"""A repository that is full, read-only or damaged: a clear error, and what is whole still restores."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.model.identifiers import RecoveryPointId
from keepline_lab import Disk, Lab, Machine, Simulators
from tests.faults.appliance.aftermath import Ledger
from tests.simulated.appliance.command_line import Ended, WarmProcess
from tests.simulated.appliance.installation import (
    MACHINE,
    Installation,
    contents_now,
    ours_left,
    result_of,
)

KIB = 1024
MIB = 1 << 20
BLOCK = 256 * KIB


@pytest.fixture(scope="module")
def lab(simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    with Lab.start(
        folder / "lab", [Machine(MACHINE, (Disk(size=6 * MIB), Disk(size=MIB)))], simulators=simulators
    ) as started:
        yield started


@pytest.fixture
def small_volume(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which only root may mount."""
    folder = tmp_path / "volume"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=7m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def installation_on(lab: Lab, volume: Path, state: Path) -> Installation:
    """An appliance whose repository lies on the volume, and nothing else of it."""
    made = Installation.make(state, lab)
    shutil.move(made.repository, volume / "repository")
    made.repository.symlink_to(volume / "repository")
    return made


def check_failed(ended: Ended, code: str, status: int) -> str:
    assert ended.status == status, ended.output
    assert ended.error["code"] == code
    message: str = ended.error["message"]
    return message


# Full and read-only


def test_full_repository_costs_one_point_and_nothing_else(
    lab: Lab, small_volume: Path, tmp_path: Path, keepline: WarmProcess
) -> None:
    installation = installation_on(lab, small_volume, tmp_path / "state-of-it")
    lab.control.write_random(MACHINE, 0, 0, 4 * MIB, seed=1)
    moment = contents_now(lab)
    whole = result_of(installation.back_up()).point
    lab.control.write_random(MACHINE, 0, 0, 5 * MIB, seed=2)

    check_failed(keepline(installation, "backup", MACHINE), "KL-4011", 5)

    assert ours_left(lab) == []
    assert [listed.point.id for listed in installation.listing().points] == [whole]
    assert installation.disks_of(whole) == moment
    check_failed(keepline(installation, "backup", MACHINE), "KL-4011", 5)
    remount(small_volume, "size=40m")
    newest = result_of(installation.back_up()).point
    assert installation.disks_of(newest) == contents_now(lab)
    assert installation.disks_of(whole) == moment
    assert keepline(installation, "repository", "check", "--read-data").status == 0


def fill(volume: Path, room: int) -> Path:
    """Leave so many KiB; the file to delete for more."""
    filler = volume / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4 * KIB))
    os.truncate(filler, max(0, filler.stat().st_size - room * KIB))
    return filler


@pytest.mark.parametrize("room", [0, 4, 64, 300])
def test_repository_that_is_full_at_any_write(
    room: int, lab: Lab, small_volume: Path, tmp_path: Path, keepline: WarmProcess
) -> None:
    """`room` KiB are left: from the first lease to the last block map, some write is the one that fails."""
    installation = installation_on(lab, small_volume, tmp_path / "state-of-it")
    lab.control.write_random(MACHINE, 1, 0, 100 * KIB, seed=3)
    before = contents_now(lab)
    first = result_of(installation.back_up()).point
    lab.control.write_random(MACHINE, 1, 0, 200 * KIB, seed=room)
    filler = fill(small_volume, room)

    ended = keepline(installation, "backup", MACHINE)

    if ended.status:
        check_failed(ended, "KL-4011", 5)
    assert ended.status or room == 300
    assert ours_left(lab) == []
    assert installation.disks_of(first) == before
    filler.unlink()
    newest = result_of(installation.back_up()).point
    assert installation.disks_of(newest) == contents_now(lab)


def test_read_only_repository(lab: Lab, small_volume: Path, tmp_path: Path, keepline: WarmProcess) -> None:
    installation = installation_on(lab, small_volume, tmp_path / "state-of-it")
    lab.control.write_random(MACHINE, 1, 0, 100 * KIB, seed=4)
    moment = contents_now(lab)
    point = result_of(installation.back_up()).point
    remount(small_volume, "ro")
    try:
        check_failed(keepline(installation, "backup", MACHINE), "KL-4012", 5)
        assert ours_left(lab) == []
        target = tmp_path / "disk.raw"
        assert keepline(installation, "restore", "disk", point, "1", "--to", str(target)).status == 0
        assert target.read_bytes() == list(moment.values())[1]
    finally:
        remount(small_volume, "rw")
    assert keepline(installation, "backup", MACHINE).status == 0


# Damaged and missing objects


@pytest.fixture
def ledger(lab: Lab, tmp_path: Path, keepline: WarmProcess) -> Ledger:
    """Three points in a chain."""
    made = Ledger(Installation.make(tmp_path / "appliance", lab))
    for _ in range(3):
        moment = made.guest_writes()
        made.moments[result_of(made.installation.back_up()).point] = moment
    return made


def objects(ledger: Ledger, folder: str) -> list[Path]:
    """The objects below a folder of the repository, oldest first."""
    found = [path for path in (ledger.installation.repository / folder).rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.chmod(0o600)
    path.write_bytes(content)


def lose(path: Path) -> None:
    path.unlink()


def restore(keepline: WarmProcess, ledger: Ledger, point: str, target: Path, disk: int = 0) -> Ended:
    return keepline(ledger.installation, "restore", "disk", point, str(disk), "--to", str(target))


harm = pytest.mark.parametrize("harm", [damage, lose], ids=["damaged", "missing"])


@harm
@pytest.mark.parametrize("folder", ["segments", "maps", "manifests"])
def test_harm_to_one_object_is_found_and_the_next_backup_makes_a_whole_point(
    folder: str, harm: object, ledger: Ledger, keepline: WarmProcess, tmp_path: Path
) -> None:
    """Whatever is still restored has the right bytes; whatever is not has an error that says so."""
    assert callable(harm)
    victim = objects(ledger, folder)[0]
    harm(victim)

    noticed = False
    for number, (point, disks) in enumerate(ledger.moments.items()):
        for position, content in enumerate(disks.values()):
            target = tmp_path / f"{number}-{position}.raw"
            ended = restore(keepline, ledger, point, target, position)
            if ended.status == 0:
                assert target.read_bytes() == content
                continue
            noticed = True
            assert ended.status == (2 if folder == "manifests" and harm is lose else 6), ended.output
            assert not target.exists()
    assert noticed, "the harm was not noticed"
    check = keepline(ledger.installation, "repository", "check", "--read-data")
    if not (folder == "manifests" and harm is lose):
        assert check.status == 6, check.output

    ledger.guest_writes()
    ended = keepline(ledger.installation, "backup", MACHINE, "--full")
    assert ended.status == 0, ended.output
    newest = RecoveryPointId(ended.run["result"]["point"])
    check_newest(ledger, newest, folder)


def check_newest(ledger: Ledger, newest: RecoveryPointId, folder: str) -> None:
    """Made after maps or manifests were harmed it is whole; lost segments may be needed still."""
    if folder != "segments":
        assert ledger.installation.disks_of(newest) == contents_now(ledger.installation.lab)


def test_damaged_manifest_is_listed_as_damaged_with_its_point(ledger: Ledger, keepline: WarmProcess) -> None:
    victim = objects(ledger, "manifests")[1]
    damage(victim)

    document = keepline(ledger.installation, "point", "list").document

    assert len(document["points"]) == 2
    (damaged,) = document["damaged"]
    assert damaged["point"] == victim.stem


def test_lost_segment_is_stored_anew_by_the_next_safe_full(ledger: Ledger, keepline: WarmProcess) -> None:
    """A block whose bytes are gone must not count as stored, only because a map still names it."""
    for victim in objects(ledger, "segments"):
        victim.unlink()

    assert keepline(ledger.installation, "backup", MACHINE, "--full").status == 0

    newest = ledger.installation.listing().points[-1].point.id
    assert ledger.installation.disks_of(newest) == contents_now(ledger.installation.lab)

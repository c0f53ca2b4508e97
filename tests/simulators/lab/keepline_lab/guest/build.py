"""Builds the test guest once and keeps it: a second request with the same sources finds it ready."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from keepline_lab.extents import copy_image
from keepline_lab.guest import disks
from keepline_lab.guest.activity import Activity, TrackedDisk
from keepline_lab.guest.fixture import (
    MANIFEST_NAME,
    EpochRecord,
    Guest,
    base_name,
    read_guest,
    write_manifest,
)
from keepline_lab.guest.qemu import BlockDevice, started_machine
from keepline_lab.guest.tools import run_tool
from keepline_lab.guest.windows_disk import DISK as NTFS_DISK
from keepline_lab.guest.windows_disk import make_windows_disk
from keepline_lab.paths import BUILD_FOLDER

GUEST_FOLDER = BUILD_FOLDER / "guest"
ACTIVITY_FOLDER = disks.GUEST_SOURCES / "activity"
TRACKED = ("root", "data")
BUILDERS = ("activity.py", "build.py", "disks.py", "fixture.py", "qemu.py", "windows_disk.py")

Report = Callable[[str], None]


def ensure_guest(report: Report = lambda _step: None) -> Guest:
    """Return the test guest; build it (one to three minutes) unless these sources were built before.

    Raises:
        LabError: a tool is missing or failed.
    """
    folder = GUEST_FOLDER / _digest(_guest_sources())
    with _locked(GUEST_FOLDER):
        if not (folder / MANIFEST_NAME).exists():
            _build(folder, report)
    return read_guest(folder)


def _guest_sources() -> list[Path]:
    """Return every file that decides what the guest is."""
    here = Path(__file__).parent
    python = [here / name for name in BUILDERS]
    return [*python, *_root_sources(), *sorted(ACTIVITY_FOLDER.iterdir())]


def _root_sources() -> list[Path]:
    return [disks.GUEST_SOURCES / "build-root.sh", *sorted((disks.GUEST_SOURCES / "root").iterdir())]


def _digest(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sources:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(folder: Path, report: Report) -> None:
    # What a build that died left behind; the lock says that nobody is building now.
    for leftover in GUEST_FOLDER.glob("work-*"):
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(dir=GUEST_FOLDER, prefix="work-") as temporary:
        work, result = Path(temporary), Path(temporary) / "result"
        result.mkdir()
        _make_disks(work, result, report)
        epochs = _run_activity(work, result, report)
        write_manifest(result, [*TRACKED, NTFS_DISK], epochs)
        for file in result.iterdir():
            file.chmod(0o444)
        shutil.rmtree(folder, ignore_errors=True)
        result.rename(folder)
    _remove_older(folder)


def _remove_older(newest: Path) -> None:
    """Keep one older guest: a test run may still read it. Each takes half a gigabyte."""
    older = [path.parent for path in GUEST_FOLDER.glob(f"*/{MANIFEST_NAME}") if path.parent != newest]
    for folder in sorted(older, key=lambda path: path.stat().st_mtime, reverse=True)[1:]:
        shutil.rmtree(folder)


def _make_disks(work: Path, result: Path, report: Report) -> None:
    report("building Debian's root file system")
    debian = _ensure_debian()
    shutil.copy(next((debian / "boot").glob("vmlinuz-*")), result / "vmlinuz")
    shutil.copy(next((debian / "boot").glob("initrd.img-*")), result / "initrd.img")
    report("making the disks")
    disks.make_root_disk(debian / "root.tar", work, result / base_name("root"))
    disks.make_data_disk(result / base_name("data"))
    disks.make_packages_disk(debian / "packages", work / "packages.img")
    make_windows_disk(work, result)


def _ensure_debian() -> Path:
    """Return the folder with Debian's files; they outlive a change of the activity or of the code here."""
    folder = GUEST_FOLDER / f"debian-{_digest(_root_sources())}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=GUEST_FOLDER, prefix="work-") as work:
            disks.debootstrap(Path(work))
            Path(work).rename(folder)
            Path(work).mkdir()  # the temporary folder's owner removes it
    return folder


def _run_activity(work: Path, result: Path, report: Report) -> list[EpochRecord]:
    tracked = [TrackedDisk(name, work / f"{name}-state.img") for name in TRACKED]
    for disk in tracked:
        copy_image(result / base_name(disk.name), disk.state)
    devices = [_overlay(result / base_name(name), work / f"{name}.qcow2", name) for name in TRACKED]
    devices.append(BlockDevice("packages", work / "packages.img", "raw", read_only=True))
    with started_machine(result / "vmlinuz", result / "initrd.img", devices) as machine:
        activity = Activity(machine, tracked, result)
        report("booting the guest")
        activity.start()
        epochs = []
        for number, script in enumerate(sorted(ACTIVITY_FOLDER.glob("*.sh")), 1):
            report(f"round {number}: {script.stem}")
            epochs.append(activity.run_round(number, script))
    return epochs


def _overlay(base: Path, overlay: Path, node: str) -> BlockDevice:
    run_tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", overlay)
    return BlockDevice(node, overlay, "qcow2")

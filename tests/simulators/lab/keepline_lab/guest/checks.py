"""Are these disks sound? The file systems' own checkers say so, without writing a byte."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from keepline_lab.errors import LabError
from keepline_lab.extents import copy_stored_range
from keepline_lab.guest.partitions import FileSystem, file_systems
from keepline_lab.guest.tools import run_tool_to_the_end

CHECKERS = {
    "ext4": ("e2fsck", "-f", "-n"),
    "xfs": ("xfs_repair", "-n", "-f"),
    "ntfs": ("ntfsfix", "-n"),
}


@dataclass(frozen=True, slots=True)
class FileSystemCheck:
    """What a file system's own checker said of it."""

    image: Path
    file_system: FileSystem
    command: str
    sound: bool
    report: str


def check_filesystems(images: Iterable[Path]) -> list[FileSystemCheck]:
    """Check every file system of the disk images; nothing is written to them.

    Raises:
        LabError: an image holds no known file system, or its checker is not installed.
    """
    return [_check(image, file_system) for image in images for file_system in file_systems(image)]


def assert_sound(images: Iterable[Path]) -> list[FileSystemCheck]:
    """Check every file system and return the reports.

    Raises:
        LabError: one of them is damaged.
    """
    checks = check_filesystems(images)
    for check in checks:
        if not check.sound:
            raise LabError(f"{check.image}: {check.command} found damage: {check.report[-1000:]}")
    return checks


def _check(image: Path, file_system: FileSystem) -> FileSystemCheck:
    # The checkers take a file that is the file system; beside the image there is room for a sparse copy.
    with tempfile.NamedTemporaryFile(dir=image.parent, prefix=".check-") as extracted:
        _extract(image, file_system, extracted.fileno())
        command = CHECKERS[file_system.kind]
        done = run_tool_to_the_end([*command, extracted.name])
    report = (done.stdout + done.stderr).strip()
    return FileSystemCheck(image, file_system, " ".join(command), done.returncode == 0, report)


def _extract(image: Path, file_system: FileSystem, target: int) -> None:
    with image.open("rb") as source:
        os.truncate(target, file_system.extent.length)
        copy_stored_range(source.fileno(), target, file_system.extent, 0)

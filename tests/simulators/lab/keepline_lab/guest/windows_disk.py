"""The NTFS disk of the guest: no kernel here writes NTFS, so Debian's ntfscp does, between the backups."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from keepline_lab.extents import (
    Extent,
    copy_extents,
    copy_image,
    copy_stored_range,
    differing_extents,
    write_extents_file,
)
from keepline_lab.guest.disks import (
    NTFS_CAPACITY,
    PARTITION_START,
    TABLE_SPAN,
    WINDOWS_PARTITION,
    partition_disk,
)
from keepline_lab.guest.fixture import base_name, content_name, extents_name
from keepline_lab.guest.tools import run_tool

DISK = "ntfs"
ROUNDS: tuple[dict[str, int], ...] = (
    {"letter.doc": 90_000, "ledger.xls": 1_500_000, "archive.zip": 3_000_000},
    {"letter.doc": 91_000, "photograph.jpg": 2_200_000},
    {"ledger.xls": 1_700_000, "notes.txt": 300},
    {"archive.zip": 3_400_000, "letter.doc": 12_000},
    {"ledger.xls": 900_000},
)
"""Files written in each round and their sizes in bytes; round 0 makes the base image."""


def make_windows_disk(work: Path, folder: Path) -> None:
    """Make the base image and the changes of each epoch in `folder`; extents by exact comparison."""
    volume = _make_volume(work)
    current = folder / base_name(DISK)
    partition_disk(current, NTFS_CAPACITY, WINDOWS_PARTITION, "windows")
    _write_round(work, volume, 0)
    _place(volume, current)
    state = work / "ntfs-state.img"
    copy_image(current, state)
    for number in range(1, len(ROUNDS)):
        _write_round(work, volume, number)
        _store_change(state, folder, number, lambda image: _place(volume, image))


def _make_volume(work: Path) -> Path:
    volume = work / "ntfs-volume.img"
    with volume.open("wb") as file:
        file.truncate(NTFS_CAPACITY - 2 * TABLE_SPAN)
    geometry = (
        "--partition-start",
        str(PARTITION_START // 512),
        "--heads",
        "255",
        "--sectors-per-track",
        "63",
    )
    run_tool("mkntfs", "--force", "--quick", "--quiet", "--label", "windows", *geometry, volume)
    return volume


def _write_round(work: Path, volume: Path, number: int) -> None:
    for name, length in ROUNDS[number].items():
        source = work / name
        source.write_bytes(random.Random(f"{number}/{name}").randbytes(length))
        run_tool("ntfscp", "--force", "--quiet", volume, source, name)


def _place(volume: Path, image: Path) -> None:
    with volume.open("rb") as source, image.open("r+b") as target:
        whole = Extent(0, volume.stat().st_size)
        copy_stored_range(source.fileno(), target.fileno(), whole, PARTITION_START)


def _store_change(state: Path, folder: Path, number: int, change: Callable[[Path], None]) -> None:
    before = state.with_suffix(".before")
    copy_image(state, before)
    change(state)
    extents = differing_extents(before, state)
    write_extents_file(folder / extents_name(DISK, number), extents)
    copy_extents(state, folder / content_name(DISK, number), extents)

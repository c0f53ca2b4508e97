"""The guest's disks before its first boot, made without mounts: tools write file systems into files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from keepline_lab.guest.tools import find_tool, run_tool
from keepline_lab.paths import SIMULATORS_FOLDER

GUEST_SOURCES = SIMULATORS_FOLDER / "guest"
MIB = 1 << 20
ROOT_CAPACITY = 1024 * MIB
DATA_CAPACITY = 320 * MIB  # mkfs.xfs refuses less than 300 MiB
NTFS_CAPACITY = 96 * MIB
PARTITION_START = MIB
TABLE_SPAN = MIB
"""The first and the last MiB of a partitioned disk belong to the partition table and its copy."""

ROOT_IDENTIFIER = "5a0c7d0e-3c55-4a2e-9f0e-6b4e3c1f0a01"
DATA_IDENTIFIER = "5a0c7d0e-3c55-4a2e-9f0e-6b4e3c1f0a02"
LINUX_PARTITION = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
WINDOWS_PARTITION = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"


def debootstrap(work: Path) -> None:
    """Build the root file system's tar, the kernel and the packages for later in `work`."""
    run_tool("sh", GUEST_SOURCES / "build-root.sh", work)


def make_root_disk(tar: Path, work: Path, image: Path) -> None:
    """Make the bootable disk: partition table, one ext4 with the files of `tar` (unpacked in `work`)."""
    partition_disk(image, ROOT_CAPACITY, LINUX_PARTITION, "root")
    blocks = (ROOT_CAPACITY - 2 * TABLE_SPAN) // 4096
    with tempfile.TemporaryDirectory(dir=work) as root:
        # Owners of files must survive for people who are not root: one fakeroot session unpacks and builds.
        script = (
            'tar -x --numeric-owner -f "$1" -C "$2" && '
            '"$3" -q -t ext4 -b 4096 -L root -U "$4" -E "hash_seed=$4,root_owner=0:0,offset=$5" '
            '-d "$2" "$6" "$7"'
        )
        arguments: list[str | Path] = [tar, root, find_tool("mke2fs"), ROOT_IDENTIFIER, str(PARTITION_START)]
        run_tool("fakeroot", "sh", "-c", script, "sh", *arguments, image, str(blocks))


def make_packages_disk(packages: Path, image: Path) -> None:
    """Make the read-only disk from which the guest installs packages."""
    image.write_bytes(b"")
    os.truncate(image, 64 * MIB)
    run_tool("mke2fs", "-q", "-t", "ext4", "-L", "packages", "-d", packages, image)


def make_data_disk(image: Path) -> None:
    """Make the disk that is one XFS without a partition table; the guest fills it."""
    image.write_bytes(b"")
    os.truncate(image, DATA_CAPACITY)
    run_tool("mkfs.xfs", "-q", "-L", "data", "-m", f"uuid={DATA_IDENTIFIER}", image)


def partition_disk(image: Path, capacity: int, kind: str, name: str) -> None:
    """Make a disk with a GUID partition table whose one partition lies between its first and last MiB."""
    image.write_bytes(b"")
    os.truncate(image, capacity)
    size = (capacity - 2 * TABLE_SPAN) // 512
    table = f"label: gpt\nstart={PARTITION_START // 512}, size={size}, type={kind}, name={name}\n"
    run_tool("sfdisk", "--quiet", image, text=table)

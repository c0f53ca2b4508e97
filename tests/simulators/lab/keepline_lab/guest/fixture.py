"""The finished test guest: base images, and what each round of activity changed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from keepline_lab.errors import LabError
from keepline_lab.extents import Extent, copy_extents, copy_image, read_extents_file

MANIFEST_NAME = "guest.json"


@dataclass(frozen=True, slots=True)
class GuestDisk:
    """One disk of the guest as it was before its first boot."""

    name: str
    base: Path
    capacity: int


@dataclass(frozen=True, slots=True)
class DiskChange:
    """What one epoch changed on one disk: `content` is a sparse image that holds `extents` only."""

    disk: str
    extents: tuple[Extent, ...]
    content: Path

    @property
    def length(self) -> int:
        """How many bytes the ranges cover."""
        return sum(extent.length for extent in self.extents)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One round of activity between two backups; `answer` is what its last command printed."""

    number: int
    title: str
    answer: str
    changes: tuple[DiskChange, ...]

    def change_of(self, disk: str) -> DiskChange:
        """Return what this epoch changed on `disk`.

        Raises:
            LabError: the guest has no such disk.
        """
        for change in self.changes:
            if change.disk == disk:
                return change
        raise LabError(f"the guest has no disk {disk!r}, only {', '.join(c.disk for c in self.changes)}")


@dataclass(frozen=True, slots=True)
class Guest:
    """The whole fixture; it lies in `folder` and is never written to again."""

    folder: Path
    kernel: Path
    initial_ram_disk: Path
    disks: tuple[GuestDisk, ...]
    epochs: tuple[Epoch, ...]

    def disk(self, name: str) -> GuestDisk:
        """Return the disk called `name`.

        Raises:
            LabError: the guest has no such disk.
        """
        for disk in self.disks:
            if disk.name == name:
                return disk
        raise LabError(f"the guest has no disk {name!r}, only {', '.join(disk.name for disk in self.disks)}")

    def epoch(self, number: int) -> Epoch:
        """Return one epoch; they count from 1.

        Raises:
            LabError: there is no such epoch.
        """
        if not 1 <= number <= len(self.epochs):
            raise LabError(f"the guest has epochs 1 to {len(self.epochs)}, not {number}")
        return self.epochs[number - 1]

    def write_epoch_image(self, disk: str, number: int, target: Path) -> None:
        """Write to `target` what `disk` held after epoch `number`; 0 is the base image."""
        copy_image(self.disk(disk).base, target)
        for epoch in range(1, number + 1):
            self.apply_epoch(disk, epoch, target)

    def apply_epoch(self, disk: str, number: int, image: Path) -> None:
        """Take `image`, which holds `disk` after epoch `number` - 1, one epoch further."""
        change = self.epoch(number).change_of(disk)
        copy_extents(change.content, image, change.extents)


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What the manifest says of one epoch; the ranges lie in files beside it."""

    title: str
    answer: str


def content_name(disk: str, number: int) -> str:
    """Return the name of the file with the changed bytes of one disk and epoch."""
    return f"{disk}-{number}.content"


def extents_name(disk: str, number: int) -> str:
    """Return the name of the file with the changed ranges of one disk and epoch."""
    return f"{disk}-{number}.json"


def base_name(disk: str) -> str:
    """Return the name of the base image of one disk."""
    return f"{disk}.img"


def write_manifest(folder: Path, disks: list[str], epochs: list[EpochRecord]) -> None:
    """Write the file that makes `folder` a finished fixture; the last step of a build."""
    manifest = {"disks": disks, "epochs": [asdict(epoch) for epoch in epochs]}
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2) + "\n")


def read_guest(folder: Path) -> Guest:
    """Open a finished fixture.

    Raises:
        LabError: there is none.
    """
    try:
        manifest = json.loads((folder / MANIFEST_NAME).read_text())
    except FileNotFoundError as error:
        raise LabError(f"there is no test guest in {folder}: `keepline-lab guest build` makes one") from error
    disks = [
        GuestDisk(name, folder / base_name(name), _size(folder / base_name(name)))
        for name in manifest["disks"]
    ]
    epochs = [
        Epoch(
            number,
            record["title"],
            record["answer"],
            tuple(_read_change(folder, disk.name, number) for disk in disks),
        )
        for number, record in enumerate(manifest["epochs"], 1)
    ]
    return Guest(folder, folder / "vmlinuz", folder / "initrd.img", tuple(disks), tuple(epochs))


def _size(path: Path) -> int:
    return path.stat().st_size


def _read_change(folder: Path, disk: str, number: int) -> DiskChange:
    extents = read_extents_file(folder / extents_name(disk, number))
    return DiskChange(disk, extents, folder / content_name(disk, number))

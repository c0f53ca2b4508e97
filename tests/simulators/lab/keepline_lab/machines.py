"""Which machines a laboratory has: the typed side of the simulated vCenter's configuration file."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any  # JSON of the configuration file

from keepline_lab.errors import LabError

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
SECTOR_SIZE = 512


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk to make: `size` bytes of zeros, or a copy of `image` (never `image` itself).

    What is None is left to the simulated vCenter; its README says what each key means.
    """

    size: int = 0
    image: Path | None = None
    label: str | None = None
    controller: str | None = None
    mode: str | None = None
    sharing: str | None = None
    backing: str | None = None
    uuid: str | None = None
    thin: bool | None = None
    datastore: str | None = None
    sector_size: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """One virtual machine to make; what is None is left to the simulated vCenter."""

    name: str
    disks: tuple[Disk, ...] = ()
    power: str | None = "on"
    instance_uuid: str | None = None
    bios_uuid: str | None = None
    firmware: str | None = None
    guest_id: str | None = None
    folder: str | None = None
    host: str | None = None
    change_tracking: bool | None = None
    cbt_supported: bool | None = None
    nvram: bool | None = None
    template: bool | None = None
    tools: str | None = None
    annotation: str | None = None
    networks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Datastore:
    """One datastore to make; without `allocated_supported` QueryAllocatedBlocks is refused on it."""

    name: str
    capacity: int | None = None
    allocated_supported: bool | None = None


def as_configuration(value: Machine | Datastore) -> dict[str, Any]:
    """Return the JSON of a machine or datastore, without what is left to the simulated vCenter."""
    document: dict[str, Any] = _without_none(asdict(value))
    return document


def _without_none(value: Any) -> Any:  # JSON in, JSON out
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def parse_machine(text: str) -> Machine:
    """Read `NAME:SIZE[,SIZE…]` or `NAME=IMAGE[,IMAGE…]`.

    Raises:
        LabError: the text is neither, a size is not a size, or an image is missing.
    """
    found = re.fullmatch(r"([^:=]+)([:=])(.+)", text)
    if not found:
        raise LabError(f"{text!r} is neither NAME:SIZE[,SIZE…] nor NAME=IMAGE[,IMAGE…]")
    name, sign, disks = found.groups()
    parse = _sized_disk if sign == ":" else _image_disk
    return Machine(name, tuple(parse(disk) for disk in disks.split(",")))


def parse_size(text: str) -> int:
    """Read the size of a disk, as `parse_bytes` does.

    Raises:
        LabError: the text is not one, or not a positive multiple of 512.
    """
    size = parse_bytes(text)
    if size == 0 or size % SECTOR_SIZE:
        raise LabError(
            f"a disk of {text} is not possible: it must be a positive multiple of {SECTOR_SIZE} bytes"
        )
    return size


def parse_bytes(text: str) -> int:
    """Read a number of bytes, with K, M, G or T for powers of 1024, or without.

    Raises:
        LabError: the text is not one.
    """
    found = re.fullmatch(r"(\d+)([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if not found:
        raise LabError(f"{text!r} is not a number of bytes like 512M or 4G")
    return int(found[1]) * UNITS[found[2].upper()]


def _sized_disk(text: str) -> Disk:
    return Disk(size=parse_size(text))


def _image_disk(text: str) -> Disk:
    image = Path(text).absolute()
    check_image(image)
    return Disk(image=image)


def check_image(image: Path) -> None:
    """Say in one sentence why `image` cannot be a disk.

    Raises:
        LabError: it is missing, not a file, or not a whole number of sectors long.
    """
    if not image.is_file():
        raise LabError(
            f"the image {image} does not exist" if not image.exists() else f"{image} is not a file"
        )
    size = image.stat().st_size
    if size == 0 or size % SECTOR_SIZE:
        message = f"the image {image} has {size} bytes, which is not a positive multiple of {SECTOR_SIZE}"
        raise LabError(f"{message}: it must be raw")

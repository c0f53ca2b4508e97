"""What GetInfo tells of an open disk, copied out of the library's memory."""

import ctypes
from dataclasses import dataclass
from typing import Any

from vddk_bindings.constants import SECTOR_SIZE_BYTES, AdapterType
from vddk_bindings.entry_points import EntryPoints
from vddk_bindings.structures import Geometry, Info

_FIRST_GENERATION_WITH_SECTOR_SIZES = 7


@dataclass(frozen=True, slots=True)
class DiskGeometry:
    """Cylinders, heads and sectors a track."""

    cylinders: int
    heads: int
    sectors: int


@dataclass(frozen=True, slots=True)
class DiskInformation:
    """One disk as VDDK sees it.

    `capacity_sectors` counts 512-byte sectors even on a disk with larger ones. `link_count` is the length of
    the chain of delta disks. The two sector sizes are None on VDDK 6, which does not tell.
    """

    capacity_sectors: int
    bios_geometry: DiskGeometry
    physical_geometry: DiskGeometry
    adapter_type: AdapterType
    link_count: int
    parent_file_name_hint: str | None
    uuid: str | None
    logical_sector_size: int | None
    physical_sector_size: int | None

    @property
    def capacity(self) -> int:
        """The disk's size in bytes."""
        return self.capacity_sectors * SECTOR_SIZE_BYTES


def read_disk_information(entry_points: EntryPoints, handle: int, generation: int) -> DiskInformation:
    """Ask the library for the information on `handle` and free its copy.

    Raises:
        VixError: the library refused.
    """
    pointer = ctypes.POINTER(Info)()
    entry_points.check("VixDiskLib_GetInfo", handle, ctypes.byref(pointer))
    try:
        return _copied(pointer, generation)
    finally:
        entry_points.call("VixDiskLib_FreeInfo", pointer)


def _copied(
    pointer: Any, generation: int
) -> DiskInformation:  # ctypes' pointer types are private, hence `Any`
    info: Info = pointer.contents
    has_sector_sizes = generation >= _FIRST_GENERATION_WITH_SECTOR_SIZES
    return DiskInformation(
        capacity_sectors=info.capacity,
        bios_geometry=_geometry(info.biosGeo),
        physical_geometry=_geometry(info.physGeo),
        adapter_type=_adapter_type(info.adapterType),
        link_count=info.numLinks,
        parent_file_name_hint=_text(info.parentFileNameHint),
        uuid=_text(info.uuid),
        logical_sector_size=info.logicalSectorSize if has_sector_sizes else None,
        physical_sector_size=info.physicalSectorSize if has_sector_sizes else None,
    )


def _geometry(geometry: Geometry) -> DiskGeometry:
    return DiskGeometry(geometry.cylinders, geometry.heads, geometry.sectors)


def _adapter_type(number: int) -> AdapterType:
    return AdapterType(number) if number in set(AdapterType) else AdapterType.UNKNOWN


def _text(value: bytes | None) -> str | None:
    return value.decode(errors="replace") if value else None

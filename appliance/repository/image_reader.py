"""One disk of one point, opened: its maps are overlaid, no data of another point is replayed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.catalog import Overlay, iter_records, open_block_map, write_parent_file, write_plan_file
from appliance.model.blocks import BlockRecord, Segment, block_count_of
from appliance.model.recovery_points import DiskImage, RecoveryPoint
from appliance.repository.errors import DiskNotInPointError
from appliance.repository.manifest import place_of
from appliance.repository.points import Parent
from appliance.repository.repository import Repository
from appliance.repository.segment_reader import require_segments


class ImageReader:
    """What a point says of one disk; made by `open_image`."""

    def __init__(self, image: DiskImage, place: str, overlay: Overlay) -> None:
        self.image = image
        self.place = place
        self._overlay = overlay

    @property
    def capacity(self) -> int:
        """Bytes of the disk."""
        return self.image.disk.capacity

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Every segment that a map of the image names, also for blocks that a newer map replaces."""
        return self._overlay.segments.segments

    def iter_records(self, first: int = 0, stop: int | None = None) -> Iterator[BlockRecord]:
        """The rows of blocks [first, stop), ascending; a block without a row is zero."""
        block_count = block_count_of(self.capacity, self.image.block_size)
        yield from iter_records(self._overlay, first, block_count if stop is None else min(stop, block_count))

    def write_plan(self, path: Path, *, include_zeros: bool) -> int:
        """Write the file `plan` of a task; the number of stored blocks.

        `include_zeros`: the target may hold other bytes, so zero blocks are listed to be written too.
        """
        return write_plan_file(
            path, self._overlay, self.image.block_size, self.capacity, include_zeros=include_zeros
        )

    def write_parent(self, path: Path) -> None:
        """Write the file `parent` of a task: the digest of every block."""
        write_parent_file(path, self._overlay, self.image.block_size, self.capacity)


def open_image(repository: Repository, point: RecoveryPoint, image: DiskImage) -> ImageReader:
    """The image after all its maps were found whole.

    Raises:
        DamagedMapError: a map is missing or not what was written; names machine, disk and point.
    """
    place = place_of(point, image)
    maps = [open_block_map(repository.store, reference, place) for reference in image.block_maps]
    return ImageReader(image, place, Overlay(maps))


def open_parent(repository: Repository, parent: Parent) -> ImageReader:
    """The image that a new point may build on: nothing that its maps name is gone.

    A point inherits the rows of its parent, so a hole in the parent would be a hole in every successor.

    Raises:
        DamagedMapError: a map is missing or not what was written.
        MissingSegmentError, DamagedSegmentError: a segment is gone or has another length.
    """
    reader = open_image(repository, parent.point, parent.image)
    require_segments(repository.store, reader.segments)
    return reader


def find_image(point: RecoveryPoint, disk: str) -> DiskImage:
    """The image of the disk with that label, device key or backing UUID.

    Raises:
        DiskNotInPointError: the point has no such disk.
    """
    for image in point.images:
        if disk in {image.disk.label, str(image.disk.device_key), image.disk.backing_uuid}:
            return image
    labels = ", ".join(image.disk.label for image in point.images)
    raise DiskNotInPointError(f"point {point.id} of {point.machine_name} has no disk {disk!r}, but: {labels}")

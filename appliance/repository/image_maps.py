"""The block maps of a new image: docs/repository-format.md, "Chain"."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.catalog import (
    DraftRows,
    MapHeader,
    Overlay,
    SegmentTable,
    WrittenMap,
    open_block_map,
    open_map_writer,
    write_delta_rows,
    write_full_rows,
)
from appliance.model.blocks import Segment, block_count_of
from appliance.model.identifiers import RecoveryPointId, RunId
from appliance.model.recovery_points import BlockMapKind, BlockMapReference, DiskImage, RecoveryPoint
from appliance.model.virtual_machines import VirtualDisk
from appliance.repository.draft_parts import CheckedDraft
from appliance.repository.errors import DraftError
from appliance.repository.layout import FORMAT, block_map_key, disk_word
from appliance.repository.manifest import place_of
from appliance.storage import ObjectStore

MOST_DELTAS = 30


@dataclass(frozen=True, slots=True)
class ImageMaps:
    """The maps of an image, newest first, and every segment that one of them names."""

    block_maps: tuple[BlockMapReference, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class NewImage:
    """What is needed to write the maps of one disk of one point."""

    store: ObjectStore
    machine_key: str
    disk: VirtualDisk
    point: RecoveryPointId
    token: str
    draft: CheckedDraft

    def header(self, kind: BlockMapKind) -> MapHeader:
        """What the new map says of itself."""
        key = self.draft.draft.key
        return MapHeader(
            FORMAT, kind, self.machine_key, disk_word(self.disk), self.point, key.block_size, key.capacity
        )

    def key(self, kind: BlockMapKind) -> str:
        """Where the new map goes."""
        return block_map_key(self.machine_key, self.disk, self.point, self.token, kind)

    @property
    def block_count(self) -> int:
        """Blocks of the disk."""
        return block_count_of(self.draft.draft.key.capacity, self.draft.draft.key.block_size)


def write_first_maps(new: NewImage) -> ImageMaps:
    """The maps of a disk that no point holds yet: a full one."""
    if any(part.changed_rows != part.row_count for part in new.draft.parts):
        raise DraftError(f"the draft of {new.disk.label} has unchanged blocks and no parent")
    segments = SegmentTable()
    full = _write_full(new, Overlay((), segments), segments)
    return ImageMaps((full.reference,), full.segments)


def write_next_maps(new: NewImage, parent: RecoveryPoint, parent_image: DiskImage) -> ImageMaps:
    """The maps of a disk whose newest image is `parent_image`: a delta, and a full one when it is due."""
    inherited = inherited_maps(parent_image)
    place = place_of(parent, parent_image)
    delta = _write_delta(new)
    segments = SegmentTable()
    overlay = Overlay([open_block_map(new.store, reference, place) for reference in inherited], segments)
    if not full_map_is_due(new, parent_image, inherited):
        return ImageMaps((delta.reference, *inherited), (*delta.segments, *segments.segments))
    full = _write_full(new, overlay, segments)
    return ImageMaps((delta.reference, full.reference), (*delta.segments, *full.segments))


def inherited_maps(image: DiskImage) -> tuple[BlockMapReference, ...]:
    """What a successor needs of an image's maps: not the delta of a point that has a full map too."""
    full = image.block_maps[-1]
    return tuple(one for one in image.block_maps if one.kind is BlockMapKind.FULL or one.point != full.point)


def full_map_is_due(new: NewImage, parent_image: DiskImage, inherited: tuple[BlockMapReference, ...]) -> bool:
    """Whether the new point must carry a full map of its own."""
    key = new.draft.draft.key
    if (key.block_size, key.capacity) != (parent_image.block_size, parent_image.disk.capacity):
        return True
    delta_rows = new.draft.changed_rows + sum(one.row_count for one in inherited[:-1])
    return len(inherited) > MOST_DELTAS or 2 * delta_rows > inherited[-1].row_count


def _write_delta(new: NewImage) -> WrittenMap:
    segments = SegmentTable()
    header = new.header(BlockMapKind.DELTA)
    with open_map_writer(new.store, new.key(BlockMapKind.DELTA), header, segments) as writer:
        write_delta_rows(writer, _draft_rows(new, segments), new.block_count)
        return writer.finish()


def _write_full(new: NewImage, parent: Overlay, segments: SegmentTable) -> WrittenMap:
    header = new.header(BlockMapKind.FULL)
    with open_map_writer(new.store, new.key(BlockMapKind.FULL), header, segments) as writer:
        write_full_rows(writer, _draft_rows(new, segments), parent, new.block_count)
        return writer.finish()


def _draft_rows(new: NewImage, segments: SegmentTable) -> DraftRows:
    return DraftRows(new.draft.parts, segments, RunId(new.point))

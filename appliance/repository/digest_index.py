"""What the repository holds, as the file `index` of a task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance.catalog import BlockMap, DamagedMapError, open_block_map, write_index_file
from appliance.model.blocks import Segment
from appliance.model.recovery_points import BlockMapReference
from appliance.repository.layout import segment_key
from appliance.repository.manifest import place_of
from appliance.repository.points import PointListing
from appliance.repository.repository import Repository
from appliance.storage import ObjectStore


@dataclass(frozen=True, slots=True)
class IndexReport:
    """How many different digests the index holds, and which maps and segments could not be used for it."""

    digest_count: int
    damaged: tuple[str, ...]


@dataclass(slots=True)
class _IndexSources:
    """Opens maps one by one; what is damaged is noted and left out: the index loses hits, no more."""

    store: ObjectStore
    damaged: list[str] = field(default_factory=list)

    def open_all(self, references: dict[str, tuple[BlockMapReference, str]]) -> Iterator[BlockMap]:
        for reference, place in references.values():
            try:
                yield open_block_map(self.store, reference, place)
            except DamagedMapError as error:
                self.damaged.append(str(error))

    def is_usable(self, segment: Segment) -> bool:
        """Whether the segment is there: a hit in one that is gone would fail the commit, run after run."""
        information = self.store.information(segment_key(segment.id))
        if information is not None and information.length == segment.length:
            return True
        self.damaged.append(f"segment {segment.id} is missing or cut short")
        return False


def write_repository_index(repository: Repository, listing: PointListing, path: Path) -> IndexReport:
    """Write where every digest is stored that a map of a listed point names.

    `listing` is that of all machines, read after the session's lease was put, retired points left out.
    """
    references: dict[str, tuple[BlockMapReference, str]] = {}
    for listed in listing.points:
        for image in listed.point.images:
            for reference in image.block_maps:
                references.setdefault(reference.object.key, (reference, place_of(listed.point, image)))
    sources = _IndexSources(repository.store)
    most_rows = sum(reference.row_count for reference, _ in references.values())
    count = write_index_file(path, sources.open_all(references), most_rows, sources.is_usable)
    return IndexReport(count, tuple(sources.damaged))

"""What the repository holds, as the file `index` of a task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance.catalog import BlockMap, DamagedMapError, open_block_map, write_index_file
from appliance.model.recovery_points import BlockMapReference
from appliance.repository.manifest import place_of
from appliance.repository.points import PointListing
from appliance.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class IndexReport:
    """How many different digests the index holds, and which maps could not be used for it."""

    digest_count: int
    damaged: tuple[str, ...]


@dataclass(slots=True)
class _MapOpener:
    """Opens maps one after the other; a damaged one is noted and left out: the index loses hits, no more."""

    repository: Repository
    damaged: list[str] = field(default_factory=list)

    def open_all(self, references: dict[str, tuple[BlockMapReference, str]]) -> Iterator[BlockMap]:
        for reference, place in references.values():
            try:
                yield open_block_map(self.repository.store, reference, place)
            except DamagedMapError as error:
                self.damaged.append(str(error))


def write_repository_index(repository: Repository, listing: PointListing, path: Path) -> IndexReport:
    """Write where every digest is stored that a map of a listed point names.

    `listing` is that of all machines, read after the session's lease was put, retired points left out.
    """
    references: dict[str, tuple[BlockMapReference, str]] = {}
    for listed in listing.points:
        for image in listed.point.images:
            for reference in image.block_maps:
                references.setdefault(reference.object.key, (reference, place_of(listed.point, image)))
    opener = _MapOpener(repository)
    most_rows = sum(reference.row_count for reference, _ in references.values())
    count = write_index_file(path, opener.open_all(references), most_rows)
    return IndexReport(count, tuple(opener.damaged))

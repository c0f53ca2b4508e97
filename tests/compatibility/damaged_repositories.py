"""One small repository per kind of damage, and what `check` has to say about each.

Made anew by every test run, from the code of the day: nothing binary is kept. Three points of one machine
with two disks; each kind of damage is a function that spoils the objects of a healthy copy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.clock import ManualClock
from appliance.model.recovery_points import RecoveryPoint
from appliance.repository.image_reader import open_image
from appliance.repository.layout import manifest_key, segment_key
from appliance.repository.repository import Repository, initialise_repository
from tests.fakes.backups import BLOCK_SIZE, MACHINE, DiskChange, back_up, block_of, disk_of, run_id
from tests.fakes.object_stores import MemoryObjectStore

SYSTEM = disk_of(12 * BLOCK_SIZE, 2000, "6000C29a-0000-4000-8000-00000000000a")
FILES = disk_of(12 * BLOCK_SIZE, 2001, "6000C29a-0000-4000-8000-00000000000b")


@dataclass(frozen=True, slots=True)
class Example:
    """A healthy repository that may be spoiled."""

    store: MemoryObjectStore
    repository: Repository
    points: tuple[RecoveryPoint, ...]

    def copy(self) -> Example:
        """The same in objects of its own."""
        store = MemoryObjectStore(dict(self.store.objects))
        return Example(store, Repository(store, self.repository.identity), self.points)

    def first_segment(self, point: int, disk: int) -> str:
        """Key of a segment that the newest map of that image names."""
        one = self.points[point]
        reader = open_image(self.repository, one, one.images[disk])
        return segment_key(reader.segments[0].id)

    def newest_map(self, point: int, disk: int) -> str:
        """Key of the newest map of that image."""
        return self.points[point].images[disk].block_maps[0].object.key

    def manifest(self, point: int) -> str:
        """Key of that point's manifest."""
        return manifest_key(MACHINE.key, self.points[point].id)

    def flip(self, key: str, position: int) -> None:
        """Spoil one bit; a negative position counts from the end."""
        content = bytearray(self.store.objects[key])
        content[position] ^= 0x01
        self.store.objects[key] = bytes(content)

    def cut(self, key: str, length: int) -> None:
        """Take `length` bytes off the end."""
        self.store.objects[key] = self.store.objects[key][:-length]


def make_example() -> Example:
    """Three points: both disks in full, then changes of the first, then of the second disk."""
    store = MemoryObjectStore()
    repository = initialise_repository(store, ManualClock())
    system = {n: block_of(n + 1) for n in range(9)}
    files = {n: block_of(n + 101) for n in range(9)}
    histories = (
        (DiskChange(SYSTEM, system), DiskChange(FILES, files)),
        (DiskChange(SYSTEM, {2: block_of(201)}), DiskChange(FILES, {})),
        (DiskChange(SYSTEM, {}), DiskChange(FILES, {5: block_of(301)})),
    )
    points = tuple(
        back_up(repository, run_id(number), changes) for number, changes in enumerate(histories, 1)
    )
    return Example(store, repository, points)


@dataclass(frozen=True, slots=True)
class Damage:
    """A way to spoil a repository; `hurts` are the points (0 to 2) and disks that `check` must name.

    `words` are in every finding. A disk of "" stands for the whole point.
    """

    name: str
    spoil: Callable[[Example], None]
    hurts: frozenset[tuple[int, str]]
    words: str


SYSTEM_LABEL, FILES_LABEL = SYSTEM.label, FILES.label
SYSTEM_EVERYWHERE = frozenset({(0, SYSTEM_LABEL), (1, SYSTEM_LABEL), (2, SYSTEM_LABEL)})

DAMAGES = (
    Damage(
        "missing-segment",
        lambda example: example.store.delete(example.first_segment(0, 0)),
        SYSTEM_EVERYWHERE,
        "is missing",
    ),
    Damage(
        "truncated-segment",
        lambda example: example.cut(example.first_segment(0, 0), 100),
        SYSTEM_EVERYWHERE,
        "bytes instead of",
    ),
    Damage(
        "grown-segment",
        lambda example: example.store.objects.update(
            {example.first_segment(0, 0): example.store.objects[example.first_segment(0, 0)] + b"1"}
        ),
        SYSTEM_EVERYWHERE,
        "bytes instead of",
    ),
    Damage(
        "swapped-segments",
        lambda example: example.store.objects.update(
            {example.first_segment(0, 0): example.store.objects[example.first_segment(0, 1)]}
        ),
        SYSTEM_EVERYWHERE,
        "segment",
    ),
    Damage(
        "flipped-bit-in-trailer",
        lambda example: example.flip(example.first_segment(0, 0), -20),
        SYSTEM_EVERYWHERE,
        "has digest",
    ),
    Damage(
        "segment-of-the-newest-point-only",
        lambda example: example.store.delete(example.first_segment(2, 1)),
        frozenset({(2, FILES_LABEL)}),
        "is missing",
    ),
    Damage(
        "missing-map",
        lambda example: example.store.delete(example.newest_map(1, 0)),
        frozenset({(1, SYSTEM_LABEL), (2, SYSTEM_LABEL)}),
        "is missing: maps/",
    ),
    Damage(
        "truncated-map",
        lambda example: example.cut(example.newest_map(1, 0), 1),
        frozenset({(1, SYSTEM_LABEL), (2, SYSTEM_LABEL)}),
        "bytes instead of",
    ),
    Damage(
        "flipped-bit-in-map",
        lambda example: example.flip(example.newest_map(0, 1), 100),
        frozenset({(0, FILES_LABEL), (1, FILES_LABEL), (2, FILES_LABEL)}),
        "is not what was written",
    ),
    Damage(
        "flipped-bit-in-manifest",
        lambda example: example.flip(example.manifest(1), 200),
        frozenset({(1, "")}),
        "manifests/",
    ),
    Damage(
        "truncated-manifest",
        lambda example: example.cut(example.manifest(2), 10),
        frozenset({(2, "")}),
        "manifests/",
    ),
    Damage(
        "swapped-manifests",
        lambda example: example.store.objects.update(
            {example.manifest(2): example.store.objects[example.manifest(1)]}
        ),
        frozenset({(2, "")}),
        "holds the manifest of point",
    ),
    Damage(
        "missing-configuration",
        lambda example: example.store.delete(example.points[0].configuration.key),
        frozenset({(0, "")}),
        "is missing",
    ),
    Damage(
        "flipped-bit-in-configuration",
        lambda example: example.flip(example.points[0].configuration.key, 3),
        frozenset({(0, "")}),
        "is not what was written",
    ),
)

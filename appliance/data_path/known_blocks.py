"""Where this very task has stored a block with some digest."""

from __future__ import annotations

from typing import Final

from appliance.model.blocks import BlockLocation

MOST_OWN_BLOCKS: Final = 65_536
"""About 20 MiB. Duplicates inside one disk are below 1 % and mostly near, so older ones are forgotten."""


class OwnBlocks:
    """What this task stored lately; safe for any number of threads.

    Two threads that meet the same new block at the same moment both store it: cheaper than a lock.
    """

    def __init__(self, most: int = MOST_OWN_BLOCKS) -> None:
        self._most: Final = most
        self._locations: Final[dict[bytes, BlockLocation]] = {}

    def find(self, digest: bytes) -> BlockLocation | None:
        """Where this task stored a block with exactly this digest."""
        return self._locations.get(digest)

    def remember(self, digest: bytes, location: BlockLocation) -> None:
        """The block is there; the oldest one is forgotten when there are too many."""
        self._locations[digest] = location
        if len(self._locations) > self._most:
            self._locations.pop(next(iter(self._locations)), None)

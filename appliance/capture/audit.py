"""What a complete read says about change tracking; pure (docs/decisions/0012)."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.model.change_tracking import ReadScope
from appliance.model.extents import Extent
from appliance.model.recovery_points import DiskImage, RecoveryPoint


def untracked_differences(
    differing: Iterable[int], tracked: Iterable[Extent], block_size: int
) -> tuple[tuple[int, int], ...]:
    """Blocks that differ from the parent although tracking named no byte of them.

    Args:
        differing: block numbers in any order.
        tracked: what tracking said, ascending and disjoint.
        block_size: bytes of one block.

    Returns:
        Ranges `(first block, count)`, ascending.
    """
    named = [(extent.offset // block_size, -(-extent.end // block_size)) for extent in tracked]
    ranges: list[tuple[int, int]] = []
    position = 0
    for block in sorted(differing):
        while position < len(named) and named[position][1] <= block:
            position += 1
        if position < len(named) and named[position][0] <= block:
            continue
        if ranges and sum(ranges[-1]) == block:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + 1)
        else:
            ranges.append((block, 1))
    return tuple(ranges)


def points_on_trust(points: Iterable[RecoveryPoint], image: DiskImage) -> list[RecoveryPoint]:
    """The points, newest first, that rest on tracking since the disk of `image` was last read completely.

    When tracking turns out to have lied, these may hold older bytes than their moment had.
    """
    doubtful: list[RecoveryPoint] = []
    for point in sorted(points, key=lambda point: (point.created_at, point.id), reverse=True):
        same = [
            candidate for candidate in point.images if candidate.disk.backing_uuid == image.disk.backing_uuid
        ]
        if not same:
            continue
        if same[0].scope is not ReadScope.CHANGED:
            break
        doubtful.append(point)
    return doubtful

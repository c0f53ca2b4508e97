"""What a complete read says about change tracking; pure (docs/decisions/0012)."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.model.change_tracking import ReadScope
from appliance.model.extents import Extent
from appliance.model.recovery_points import BlockRange, RecoveryPoint
from appliance.model.virtual_machines import VirtualDisk


def untracked_differences(
    differing: Iterable[int], tracked: Iterable[Extent], block_size: int
) -> tuple[BlockRange, ...]:
    """The blocks, ascending, that differ from the parent although tracking named no byte of them.

    Args:
        differing: block numbers in any order.
        tracked: what tracking said, ascending and disjoint.
        block_size: bytes of one block.
    """
    named = [(extent.offset // block_size, -(-extent.end // block_size)) for extent in tracked]
    ranges: list[BlockRange] = []
    position = 0
    for block in sorted(differing):
        while position < len(named) and named[position][1] <= block:
            position += 1
        if position < len(named) and named[position][0] <= block:
            continue
        if ranges and ranges[-1].first + ranges[-1].count == block:
            ranges[-1] = BlockRange(ranges[-1].first, ranges[-1].count + 1)
        else:
            ranges.append(BlockRange(block, 1))
    return tuple(ranges)


def points_on_trust(points: Iterable[RecoveryPoint], disk: VirtualDisk) -> list[RecoveryPoint]:
    """The points, newest first, that rest on tracking since `disk` was last read completely.

    When tracking turns out to have lied, these may hold older bytes than their moment had.
    """
    doubtful: list[RecoveryPoint] = []
    for point in sorted(points, key=lambda point: (point.created_at, point.id), reverse=True):
        same = [image for image in point.images if image.disk.backing_uuid == disk.backing_uuid]
        if not same:
            continue
        if same[0].scope is not ReadScope.CHANGED:
            break
        doubtful.append(point)
    return doubtful

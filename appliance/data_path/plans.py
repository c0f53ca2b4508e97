"""A task's plan as a stream of rows: in stored order, or in the order of the disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from appliance.model.task_files import BLOCKS_PER_RANGE
from appliance.repository.task_files import BlockPlan, PlanRow

_ROWS_AT_ONCE = 1024
_ROW_BITS = 40


def iter_stored_order(plan: BlockPlan) -> Iterator[PlanRow]:
    """Yield every row in the plan's own order, which is that of segments within each range of blocks."""
    for start in range(0, len(plan), _ROWS_AT_ONCE):
        yield from plan.rows(start, start + _ROWS_AT_ONCE)


def iter_disk_order(plan: BlockPlan) -> Iterator[PlanRow]:
    """Yield every row by ascending block.

    The plan's ranges ascend already, so one range's numbers are sorted at a time: 45 MiB at the most.
    """
    numbered = enumerate(row.block for row in iter_stored_order(plan))
    for _, members in groupby(numbered, key=lambda member: member[1] // BLOCKS_PER_RANGE):
        for row in rows_by_block(members):
            yield from plan.rows(row, row + 1)


def rows_by_block(members: Iterable[tuple[int, int]]) -> Iterator[int]:
    """The row numbers of (row, block) pairs by ascending block; pure."""
    mask = (1 << _ROW_BITS) - 1
    return (packed & mask for packed in sorted(block << _ROW_BITS | row for row, block in members))

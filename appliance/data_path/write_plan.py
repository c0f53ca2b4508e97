"""Which bytes of which segments are read in which calls to put blocks back; pure and lazy.

The plan a task gets lists its blocks in stored order (docs/repository-format.md, "Files between engine and
mover"), so neighbours in the plan are neighbours in a segment and reads become few and long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from appliance.model.identifiers import SegmentId
from appliance.repository.task_files import PlanRow


@dataclass(frozen=True, slots=True)
class SegmentRead:
    """One range of one segment that holds `blocks`, which are in the order of their stored bytes."""

    segment: SegmentId
    offset: int
    length: int
    blocks: tuple[PlanRow, ...]


def plan_segment_reads(
    blocks: Iterable[PlanRow], longest_read: int, widest_gap: int = 0
) -> Iterator[SegmentRead]:
    """Yield the reads that bring every one of `blocks`, in their order.

    A read joins blocks of one segment that ascend and lie at most `widest_gap` apart, up to
    `longest_read` bytes in all; a single block longer than that is a read of its own. Blocks that share
    their stored bytes share the read.
    """
    run: list[PlanRow] = []
    end = 0
    for block in blocks:
        if run and not _extends(run[0], end, block, longest_read, widest_gap):
            yield _segment_read(run, end)
            run = []
        end = max(end, _end_of(block)) if run else _end_of(block)
        run.append(block)
    if run:
        yield _segment_read(run, end)


def _extends(first: PlanRow, end: int, block: PlanRow, longest_read: int, widest_gap: int) -> bool:
    return (
        block.location.segment == first.location.segment
        and first.location.offset <= block.location.offset <= end + widest_gap
        and max(end, _end_of(block)) - first.location.offset <= longest_read
    )


def _segment_read(run: list[PlanRow], end: int) -> SegmentRead:
    start = run[0].location
    return SegmentRead(start.segment, start.offset, end - start.offset, tuple(run))


def _end_of(block: PlanRow) -> int:
    return block.location.offset + block.location.stored_length

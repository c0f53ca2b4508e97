"""Segments to a verdict: every block is read and decoded; damage is collected, not fatal."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from appliance.data_path.blocks_from_segments import BlockSource
from appliance.data_path.restore import RestoreChain
from appliance.data_path.workers import run_workers
from appliance.data_path.write_plan import SegmentRead
from appliance.errors import DamageError


def find_damaged_blocks(chain: RestoreChain, reads: Iterable[SegmentRead], workers: int) -> dict[int, str]:
    """The blocks of the disk that `reads` cannot bring as they were written: index and what is wrong.

    Raises:
        ApplianceError: reading failed for another reason than damage.
    """
    damaged: dict[int, str] = {}
    lock = threading.Lock()

    def work(reads: Iterator[SegmentRead]) -> None:
        source, tally = chain.source(), chain.tally.new_worker()
        for read in reads:
            found = _damage_in(source, read)
            with lock:
                damaged.update(found)
            tally.read += read.length
            tally.done += sum(source.length_of(block.block) for block in read.blocks)

    run_workers(work, reads, workers, "verify")
    return damaged


def _damage_in(source: BlockSource, read: SegmentRead) -> dict[int, str]:
    try:
        stored = source.read(read)
    except DamageError as error:
        return _damage_one_by_one(source, read, error)
    found = {}
    for block in read.blocks:
        try:
            source.decode(block, read, stored)
        except DamageError as error:
            found[block.block] = str(error)
    return found


def _damage_one_by_one(source: BlockSource, read: SegmentRead, error: DamageError) -> dict[int, str]:
    """A read that failed as a whole: a segment that was cut short may still hold its first blocks."""
    if len(read.blocks) == 1:
        return {read.blocks[0].block: str(error)}
    found: dict[int, str] = {}
    for block in read.blocks:
        alone = SegmentRead(read.segment, block.location.offset, block.location.stored_length, (block,))
        found.update(_damage_in(source, alone))
    return found

"""Segments to a target: each worker reads, decodes, compares and writes on its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from appliance.data_path.blocks_from_segments import BlockSource
from appliance.data_path.tally import TaskTally
from appliance.data_path.targets import BlockTarget
from appliance.data_path.workers import run_workers
from appliance.data_path.write_plan import SegmentRead
from appliance.repository.segment_reader import SegmentReader


@dataclass(frozen=True, slots=True)
class RestoreChain:
    """What every worker of a restore needs."""

    segments: SegmentReader
    tally: TaskTally
    disk: str
    block_size: int
    capacity: int

    def source(self) -> BlockSource:
        """A thread's own buffers."""
        return BlockSource(self.segments, self.disk, self.block_size, self.capacity)

    def write_in_any_order(self, reads: Iterable[SegmentRead], target: BlockTarget, workers: int) -> None:
        """Write every block that `reads` bring; the target is not finished.

        Raises:
            ApplianceError: the first failure of a worker.
        """

        def work(reads: Iterator[SegmentRead]) -> None:
            source, tally = self.source(), self.tally.new_worker()
            for read in reads:
                for offset, content in source.iter_runs(read):
                    target.write_blocks(offset, content)
                    tally.written += len(content)
                    tally.done += len(content)

        run_workers(work, reads, workers, "restore")

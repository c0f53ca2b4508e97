"""Segments to a stream-optimised VMDK: decoded and compressed by all workers, appended in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from appliance.data_path.restore import RestoreChain
from appliance.data_path.stream_vmdk_target import EncodedGrain, StreamVmdkTarget, encode_grains
from appliance.data_path.workers import Turnstile, run_workers
from appliance.data_path.write_plan import SegmentRead


def write_in_order(
    chain: RestoreChain, reads: Iterable[SegmentRead], target: StreamVmdkTarget, workers: int
) -> None:
    """Append every block that `reads` bring, whose blocks ascend; the target is not finished.

    Every worker holds the grains of one read at most, so memory does not grow with the disk.

    Raises:
        ApplianceError: the first failure of a worker.
    """
    turnstile = Turnstile()

    def work(tickets: Iterator[tuple[int, SegmentRead]]) -> None:
        source, tally = chain.source(), chain.tally.new_worker()
        try:
            for ticket, read in tickets:
                grains: list[EncodedGrain] = []
                for block, content in source.iter_blocks(read):
                    grains += encode_grains(block.block * chain.block_size, content)
                    tally.done += len(content)
                if not turnstile.wait_for(ticket):
                    return
                target.append(grains)
                tally.written += sum(len(grain.content) for grain in grains)
                turnstile.passed()
        except BaseException:
            turnstile.close()
            raise

    run_workers(work, enumerate(reads), workers, "restore")

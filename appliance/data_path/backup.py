"""Disk to segments: read, zero test, digest, compare, deduplicate, compress, append, note the row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from appliance.codec import BlockEncoder, block_digest
from appliance.data_path.buffers import PageBuffer
from appliance.data_path.known_blocks import OwnBlocks
from appliance.data_path.tally import Tally, TaskTally
from appliance.data_path.workers import run_workers
from appliance.model.blocks import ZERO_DIGEST, entropy_of
from appliance.model.extents import Extent
from appliance.model.units import MIB
from appliance.repository.draft_writer import DraftWriter
from appliance.repository.segment_writer import SegmentWriter
from appliance.repository.task_files import DigestIndex, ParentDigests
from appliance.transport import DiskReader

LONGEST_READ: Final = MIB


@dataclass(frozen=True, slots=True)
class BackupChain:
    """Everything a worker needs to bring blocks of one disk into the repository.

    `parent` None means that there is nothing to compare with, `known` None that nothing is known.
    """

    reader: DiskReader
    segments: SegmentWriter
    draft: DraftWriter
    parent: ParentDigests | None
    known: DigestIndex | None
    own: OwnBlocks
    tally: TaskTally
    block_size: int
    compression_level: int

    def run(self, reads: Iterable[Extent], workers: int) -> None:
        """Bring everything that `reads` name, which are whole blocks, at most `longest_read` long.

        Raises:
            ApplianceError: the first failure of a worker.
        """
        run_workers(self._work, reads, workers, "backup")

    @property
    def longest_read(self) -> int:
        """At least a block, and enough for one foreign call to be worth its cost."""
        return max(LONGEST_READ, self.block_size)

    def _work(self, reads: Iterator[Extent]) -> None:
        worker = _Worker(self)
        for read in reads:
            worker.bring(read)


class _Worker:
    """One thread's buffer, compressor and tally."""

    def __init__(self, chain: BackupChain) -> None:
        self._chain = chain
        self._buffer = PageBuffer(chain.longest_read)
        self._encoder = BlockEncoder(chain.compression_level)
        self._tally: Tally = chain.tally.new_worker()

    def bring(self, read: Extent) -> None:
        """One read and its blocks; large parts of disks are zero, so the whole read is tested at once."""
        self._chain.reader.read_into(read.offset, self._buffer.memory[: read.length])
        self._tally.read += read.length
        all_zero = self._buffer.is_zero(0, read.length)
        for start in range(0, read.length, self._chain.block_size):
            length = min(self._chain.block_size, read.length - start)
            index = (read.offset + start) // self._chain.block_size
            if all_zero or self._buffer.is_zero(start, length):
                self._note_zero(index)
                self._tally.zero += length
            else:
                self._keep(index, self._buffer.memory[start : start + length])
            self._tally.done += length

    def _note_zero(self, index: int) -> None:
        """A complete read of a mostly empty disk must not look as if all of it had become zero just now."""
        chain = self._chain
        if chain.parent is not None and chain.parent[index] == ZERO_DIGEST:
            chain.draft.add_unchanged(index, ZERO_DIGEST)
        else:
            chain.draft.add_zero(index)

    def _keep(self, index: int, content: memoryview) -> None:
        chain = self._chain
        digest = block_digest(content)
        if chain.parent is not None and chain.parent[index] == digest:
            chain.draft.add_unchanged(index, digest)
            self._tally.unchanged += len(content)
        elif not self._found(index, digest, len(content)):
            encoded = self._encoder.encode(content, digest)
            location = chain.segments.append(encoded)
            chain.own.remember(digest, location)
            chain.draft.add_stored(index, digest, location, encoded.entropy)
            self._tally.stored += location.stored_length

    def _found(self, index: int, digest: bytes, length: int) -> bool:
        chain = self._chain
        location = chain.own.find(digest)
        if location is None and chain.known is not None and (hit := chain.known.find(digest)) is not None:
            chain.draft.note_segment(hit.segment)
            location = hit.location
        if location is None:
            return False
        chain.draft.add_duplicate(index, digest, location, entropy_of(location.stored_length, length))
        self._tally.deduplicated += length
        return True

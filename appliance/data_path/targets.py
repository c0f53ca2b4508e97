"""What the restore chain writes blocks to, whatever is behind it."""

from __future__ import annotations

from typing import Protocol


class BlockTarget(Protocol):
    """Takes the blocks of one disk that is all zero before; any number of threads call `write_blocks`."""

    def write_blocks(self, offset: int, content: memoryview) -> None:
        """Put one decoded block, or several neighbours, at `offset` of the disk.

        `content` lies in page-aligned memory; only the disk's last block may be shorter than the others.

        Raises:
            ApplianceError: the target failed; it will not be complete.
        """
        ...

    def finish(self) -> None:
        """All blocks are written: make the disk complete and durable."""
        ...

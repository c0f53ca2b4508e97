"""A disk as a raw file: byte n of the file is byte n of the disk; zeros take no space."""

from __future__ import annotations

import mmap
from typing import Final

from appliance.data_path.new_file import NewFile


class RawTarget:
    """Implements `BlockTarget` with page-sized writes; only the tail of a short last block is not one."""

    def __init__(self, file: NewFile, capacity: int) -> None:
        self._file: Final = file
        self._capacity: Final = capacity
        file.resize(capacity)

    def write_blocks(self, offset: int, content: memoryview) -> None:
        """See `BlockTarget.write_blocks`."""
        whole = len(content) // mmap.PAGESIZE * mmap.PAGESIZE
        self._file.write_aligned(offset, content[:whole])
        if whole < len(content):
            self._file.write(offset + whole, content[whole:])

    def finish(self) -> None:
        """See `BlockTarget.finish`."""
        self._file.publish()

"""Page-aligned memory of a worker: allocated once, filled again and again."""

from __future__ import annotations

import ctypes
import mmap
from typing import Final

from appliance.codec import address_of, is_zero_at


class PageBuffer:
    """Memory that starts at a page's start, as O_DIRECT and VDDK's SAN transport want it; zero at first.

    `memory` may be sliced and filled; it lives as long as this object and every slice of it.
    """

    def __init__(self, length: int) -> None:
        mapping = mmap.mmap(-1, length)
        self.memory: Final = memoryview(mapping)
        self._address: Final = address_of(mapping)

    def is_zero(self, offset: int, length: int) -> bool:
        """Whether all of `length` bytes from `offset` on are zero."""
        return is_zero_at(self._address + offset, length)

    def clear(self, offset: int, length: int) -> None:
        """Put zeros there."""
        ctypes.memset(self._address + offset, 0, length)


def is_zero(content: memoryview) -> bool:
    """Whether all of a writable memory's bytes are zero."""
    return is_zero_at(address_of(content), len(content))

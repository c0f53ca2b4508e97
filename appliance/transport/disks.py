"""A disk whose bytes can be read or written: the protocols that every transport implements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from appliance.model.extents import Extent


class DiskReader(Protocol):
    """One disk, opened for reading.

    Any number of threads may call `read_into`; `parallelism` of them are served at once, the others
    wait for their turn. Offsets and lengths are whole sectors of 512 bytes.
    """

    @property
    def capacity(self) -> int:
        """The disk's size as the transport sees it."""
        ...

    @property
    def transport_mode(self) -> str:
        """How the bytes travel, in the transport's own word: `nbdssl`, `hotadd`."""
        ...

    @property
    def parallelism(self) -> int:
        """How many reads are served at the same time: at least 1, fewer once the host lacks memory."""
        ...

    def read_into(self, offset: int, destination: memoryview) -> None:
        """Fill all of `destination`, a writable page-aligned buffer, with the bytes from `offset` on.

        Raises:
            DiskTransportError: the bytes could not be had, after all retries that make sense.
        """
        ...

    def iter_allocated(self) -> Iterator[Extent]:
        """Yield, ascending and disjoint, every range that may hold something other than zeros.

        Where that cannot be known, the whole disk is one range.
        """
        ...


class DiskWriter(Protocol):
    """One disk, opened for writing. Any number of threads may call its methods.

    Offsets and lengths are whole sectors of 512 bytes.
    """

    @property
    def capacity(self) -> int:
        """The disk's size as the transport sees it."""
        ...

    @property
    def transport_mode(self) -> str:
        """How the bytes travel, in the transport's own word: `nbdssl`, `hotadd`."""
        ...

    def write(self, offset: int, source: memoryview) -> None:
        """Put all of `source`, a page-aligned buffer, at `offset`. Durable only after `flush`.

        Raises:
            DiskTransportError: the bytes could not be written.
        """
        ...

    def flush(self) -> None:
        """Make everything written so far durable.

        Raises:
            DiskTransportError: the disk did not confirm.
        """
        ...

    def read_into(self, offset: int, destination: memoryview) -> None:
        """Fill all of `destination` with what is on the disk at `offset` now.

        Raises:
            DiskTransportError: the bytes could not be had.
        """
        ...

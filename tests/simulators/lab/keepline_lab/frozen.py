"""The bytes a disk had when a snapshot was taken, read from the files of tests/simulators/README.md."""

from __future__ import annotations

import os
from pathlib import Path

CELL_SIZE = 65536


def read_frozen(flat: Path, saved: Path, capacity: int) -> bytes:
    """Return the whole frozen disk; `saved` is the path of its .cow file, beside which .map lies.

    First the cells of the running disk, then the saved ones over them: the writer does it the other way
    round, so no byte is younger than the snapshot.
    """
    content = bytearray(flat.read_bytes()[:capacity])
    content.extend(bytes(capacity - len(content)))
    cells = saved.with_suffix(".map").read_bytes()
    with saved.open("rb") as file:
        for cell, is_saved in enumerate(cells):
            if is_saved:
                offset = cell * CELL_SIZE
                length = max(0, min(CELL_SIZE, capacity - offset))
                old = os.pread(file.fileno(), length, offset)
                content[offset : offset + length] = old.ljust(length, b"\0")  # .cow may end in a hole
    return bytes(content)

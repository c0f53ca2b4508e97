"""The bytes a disk had when a snapshot was taken, read from the files of tests/simulators/README.md."""

from __future__ import annotations

import os

from keepline_lab.control_values import FrozenFiles

CELL_SIZE = 65536


def read_frozen(files: FrozenFiles) -> bytes:
    """Return the whole frozen disk.

    First the cells of the running disk, then the saved ones over them: the writer does it the other way
    round, so no byte is younger than the snapshot.
    """
    content = bytearray(files.flat.read_bytes())
    cells = files.map.read_bytes()
    with files.cow.open("rb") as saved:
        for cell, is_saved in enumerate(cells):
            if is_saved:
                offset = cell * CELL_SIZE
                length = min(CELL_SIZE, len(content) - offset)
                old = os.pread(saved.fileno(), length, offset)
                content[offset : offset + length] = old.ljust(length, b"\0")  # .cow may end in a hole
    return bytes(content)

"""What this machine can do at most: two processes that zero-test, digest and compress, and drop the result.

Usage: limit.py IMAGE LEVEL. Prints the seconds it took.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import time
from pathlib import Path

import zstandard
from blake3 import blake3

BLOCK = 256 * 1024
PROCESSES = 2
RUN = 16


def work(image: Path, number: int, level: int) -> None:
    """Every `PROCESSES`-th run of blocks."""
    compare = ctypes.CDLL(None).memcmp
    compare.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    zeros = ctypes.create_string_buffer(BLOCK)
    compressor = zstandard.ZstdCompressor(level=level)
    with image.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as content:
        base = ctypes.addressof(ctypes.c_char.from_buffer(content))
        view = memoryview(content)
        blocks = len(content) // BLOCK
        for first in range(number * RUN, blocks, PROCESSES * RUN):
            for block in range(first, min(first + RUN, blocks)):
                if compare(base + block * BLOCK, zeros, BLOCK) == 0:
                    continue
                one = view[block * BLOCK : (block + 1) * BLOCK]
                blake3(one).digest()
                compressor.compress(one)
        os._exit(0)


def main() -> None:
    """Fork, wait, print."""
    image, level = Path(sys.argv[1]), int(sys.argv[2])
    begun = time.perf_counter()
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            work(image, number, level)
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    if any(statuses):
        raise SystemExit(f"a process ended with {statuses}")
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()

"""Whether memory is all zero, at the speed of memory.

Measured: comparing memoryviews is a hundred times slower than libc's memcmp, `bytes.count` forty times,
and both hold the interpreter lock. A foreign call that gives up the lock costs more than it wins when it
lasts less than about 20 microseconds, so short stretches are compared under the lock.
"""

from __future__ import annotations

import ctypes
import mmap

from appliance.model.blocks import LARGEST_BLOCK_SIZE
from appliance.model.units import KIB

_UNDER_LOCK = 256 * KIB

_zeros = mmap.mmap(-1, LARGEST_BLOCK_SIZE)  # never written: all its pages are the kernel's one zero page
_ZEROS_ADDRESS = ctypes.addressof(ctypes.c_char.from_buffer(_zeros))


def _memcmp(library: ctypes.CDLL) -> ctypes._FuncPointer:
    function = library.memcmp
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    function.restype = ctypes.c_int
    return function


_short = _memcmp(ctypes.PyDLL(None))
_long = _memcmp(ctypes.CDLL(None))


def address_of(buffer: mmap.mmap | bytearray | memoryview) -> int:
    """Where a writable buffer lies; valid while the buffer lives."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def is_zero_at(address: int, length: int) -> bool:
    """Whether the `length` bytes from `address` on are all zero; the caller owns the memory."""
    compare = _short if length <= _UNDER_LOCK else _long
    while length > LARGEST_BLOCK_SIZE:
        if compare(address, _ZEROS_ADDRESS, LARGEST_BLOCK_SIZE):
            return False
        address += LARGEST_BLOCK_SIZE
        length -= LARGEST_BLOCK_SIZE
    return bool(compare(address, _ZEROS_ADDRESS, length) == 0)

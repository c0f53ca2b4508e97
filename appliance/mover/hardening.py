"""What a process that will hold a password and load a foreign library does to itself first."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_MIB: Final = 1024 * 1024


def harden_process() -> None:
    """No core file, no reader of our memory among processes of the same user, and no life without a parent.

    The parent's death is told by the kernel only as a second way: the first is the end of standard input,
    which also works when the parent's *thread* that started us ended and the parent lives.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_PR_SET_DUMPABLE, 0), (_PR_SET_PDEATHSIG, int(signal.SIGKILL))):
        if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({option}) was refused")
    os.environ.pop("LD_LIBRARY_PATH", None)


def bound_heap() -> None:
    """Keep the C heap small and reused: few arenas, and no new mapping for every block-sized piece.

    Without it every worker thread gets an arena of its own and every compressed block a fresh mapping,
    whose page faults cost more than the compression of a short block.
    """
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_ARENA_MAX, 2)
    libc.mallopt(_M_MMAP_THRESHOLD, 8 * _MIB)
    libc.mallopt(_M_TRIM_THRESHOLD, 16 * _MIB)

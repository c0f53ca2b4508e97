"""What a step costs, and what else the machine was doing meanwhile."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one round.

    `seconds` are the wall clock's, or what the step itself says it took; `processor_seconds` those of all its
    processes, their start included; `others` is how many processors everything else used meanwhile.
    """

    seconds: float
    processor_seconds: float
    others: float


def measured(action: Callable[[], float | None]) -> Step:
    """Do it; what it returns, if anything, counts instead of the wall clock's seconds."""
    busy, own, begun = _busy_seconds(), _own_seconds(), time.perf_counter()
    answer = action()
    wall = time.perf_counter() - begun
    used = _own_seconds() - own
    others = max(0.0, _busy_seconds() - busy - used) / wall
    return Step(round(wall if answer is None else answer, 3), round(used, 2), round(others, 2))


def _own_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _busy_seconds() -> float:
    """Of all processors together: /proc/stat without idle and waiting (proc(5))."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")

"""How much memory this process has to itself.

RssAnon of /proc/self/status: pages that belong to nobody else. Mapped files (index, parent digests, VDDK's
code) are the page cache's and are left out. The kernel keeps a high-water mark only of the sum of both
(VmHWM), so RssAnon is sampled: with every progress line, and once before the result.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_KIB: Final = 1024


def anonymous_memory() -> int:
    """RssAnon now, in bytes."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * _KIB
    return 0


class PeakMemory:
    """The highest RssAnon seen by its samples."""

    def __init__(self) -> None:
        self.peak = 0

    def sample(self) -> int:
        """Look once more; the highest value so far."""
        self.peak = max(self.peak, anonymous_memory())
        return self.peak

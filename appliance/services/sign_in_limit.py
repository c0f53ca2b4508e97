"""How often somebody may guess the console's password. Pure but for what it remembers."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

FREE_ATTEMPTS = 5
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 15 * 60.0
REMEMBERED_SOURCES = 1000


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    closed_until: float


class SignInLimit:
    """Failures by source: five are free, then each one doubles the wait, from 5 seconds to 15 minutes.

    Times are seconds of a clock that does not run backwards. Not for several threads at once.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait_seconds(self, source: str, now: float) -> float:
        """How long `source` has to wait before its next attempt counts; 0 for not at all."""
        known = self._failures.get(source)
        return 0.0 if known is None else max(0.0, known.closed_until - now)

    def failed(self, source: str, now: float) -> None:
        """Remember a wrong password; the source that failed longest ago is forgotten first."""
        known = self._failures.pop(source, _Failures(0, now))
        count = known.count + 1
        self._failures[source] = _Failures(count, now + _wait_after(count))
        while len(self._failures) > REMEMBERED_SOURCES:
            self._failures.popitem(last=False)

    def succeeded(self, source: str) -> None:
        """Forget what failed before."""
        self._failures.pop(source, None)


def _wait_after(count: int) -> float:
    if count < FREE_ATTEMPTS:
        return 0.0
    # The exponent is bounded before it is used: a float overflows at 2**1024.
    return min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(count - FREE_ATTEMPTS, 20))

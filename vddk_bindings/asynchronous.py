"""Requests that the library completes on threads of its own."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vddk_bindings.borrowed_memory import BorrowedMemory
from vddk_bindings.call_statistics import CallStatistics
from vddk_bindings.constants import ERROR_CODE_MASK, VIX_OK
from vddk_bindings.errors import LibraryStateError
from vddk_bindings.prototypes import COMPLETION_CALLBACK
from vddk_bindings.vix_errors import VixError, vix_error

CompletionReceiver = Callable[[VixError | None], None]
"""Called once for each queued request, on one of VDDK's threads, with the error or None. It may only hand
over (a queue's `put`): it must not call VDDK, and what it raises goes to `sys.unraisablehook`."""

CALLBACK_TIMEOUT_SECONDS: Final = 60.0
"""How long a callback may come after Wait said that all requests were done."""


class OutstandingRequests:
    """How many requests of one handle were queued and not completed."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def add(self, difference: int) -> None:
        """Count `difference` more (1) or fewer (-1)."""
        with self._changed:
            self._count += difference
            self._changed.notify_all()

    def wait_for_none(self) -> None:
        """Return when all callbacks have come.

        Raises:
            LibraryStateError: one never came; its buffer still belongs to the library.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._count == 0, CALLBACK_TIMEOUT_SECONDS):
                raise LibraryStateError(
                    f"VDDK completed all requests but did not report {self._count} of them"
                )


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """One queued transfer, and everything that must stay alive until its callback."""

    function: str
    path: str
    memory: BorrowedMemory
    on_complete: CompletionReceiver
    outstanding: OutstandingRequests


class CompletionDispatcher:
    """The one C callback for all asynchronous requests, and the requests it will be called for.

    The library is given a number, never an address of Python's: a callback that comes twice finds nothing.
    """

    def __init__(self, statistics: CallStatistics) -> None:
        self._statistics = statistics
        self._pending: dict[int, PendingRequest] = {}
        self._numbers = itertools.count(1)
        self.callback = COMPLETION_CALLBACK(self._completed)

    def register(self, request: PendingRequest) -> int:
        """Return the number to pass as the callback's data; the request is outstanding from now on."""
        number = next(self._numbers)
        request.outstanding.add(1)
        self._pending[number] = request
        return number

    def withdraw(self, number: int) -> None:
        """Forget a request that the library refused to queue: its callback will not come."""
        self._pending.pop(number).outstanding.add(-1)

    def _completed(self, number: int | None, value: int) -> None:
        request = self._pending.pop(number or 0)
        request.memory.release()
        error = _error_of(request, value)
        if error is None:
            self._statistics.add_bytes(request.function, request.memory.size)
        try:
            request.on_complete(error)
        finally:
            request.outstanding.add(-1)


def _error_of(request: PendingRequest, value: int) -> VixError | None:
    if value & ERROR_CODE_MASK == VIX_OK:
        return None
    # Without the library's own words: a callback must not call the library.
    return vix_error(request.function, value, context=request.path)

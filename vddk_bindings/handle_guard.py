"""One thread at a time in one handle, and none after it was closed."""

import threading

from vddk_bindings.errors import HandleBusyError, HandleClosedError


class HandleGuard:
    """Context manager around every use of one handle; never waits.

    VDDK neither allows nor detects two calls at once on a handle: it corrupts memory.
    """

    __slots__ = ("_closed", "_lock", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the handle was given back."""
        return self._closed

    def mark_closed(self) -> None:
        """Refuse every later use; to be called inside the guard."""
        self._closed = True

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise HandleBusyError(f"another thread is using {self._name}")
        if self._closed:
            self._lock.release()
            raise HandleClosedError(f"{self._name} was closed")

    def __exit__(self, *_: object) -> None:
        self._lock.release()

"""VDDK is one per process and does not survive fork(): this remembers which process initialised it."""

import os
import threading

from vddk_bindings.errors import ForkedProcessError, LibraryStateError, ThreadRuleError


class ProcessGuard:
    """The state of VDDK in this process: InitEx happens once, on the main thread, and never in a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._initialised_in: int | None = None

    def claim_initialisation(self) -> None:
        """Take this process's only initialisation.

        Raises:
            ForkedProcessError: the parent of this process initialised VDDK before it forked.
            LibraryStateError: VDDK was initialised in this process before, even if it was ended since.
            ThreadRuleError: this is not the main thread.
        """
        self.require_main_thread("VixDiskLib_InitEx")
        with self._lock:
            self.require_same_process()
            if self._initialised_in is not None:
                raise LibraryStateError("VDDK was initialised in this process before; it can be once only")
            self._initialised_in = os.getpid()

    def require_same_process(self) -> None:
        """Raise ForkedProcessError in a fork of the process that initialised VDDK."""
        if self._initialised_in is not None and self._initialised_in != os.getpid():
            raise ForkedProcessError(
                f"process {os.getpid()} was forked after VDDK was initialised in {self._initialised_in}"
            )

    @staticmethod
    def require_main_thread(function: str) -> None:
        """Raise ThreadRuleError unless this is the main thread."""
        current = threading.current_thread()
        if current is not threading.main_thread():
            raise ThreadRuleError(f"{function} belongs on the main thread, not on {current.name}")


THIS_PROCESS = ProcessGuard()
"""The guard of the running process. It is process-wide because what it guards, a C library's memory, is."""

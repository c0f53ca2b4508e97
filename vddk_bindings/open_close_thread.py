"""The one thread that opens and closes.

VDDK wants "one designated thread to do all opens and closes" (guide, "Multiple Threads and VixDiskLib");
connecting, holding access and QueryAllocatedBlocks (release notes 7.0.2) belong there too.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

from vddk_bindings.errors import LibraryStateError
from vddk_bindings.process_guard import ProcessGuard

Result = TypeVar("Result")


class OpenCloseThread:
    """Runs functions one after another on a single thread of its own, whoever asks.

    It is a daemon: a library that hangs in Open must not keep the process from ending.
    """

    def __init__(self, process: ProcessGuard, name: str = "vddk-open-close") -> None:
        self._process = process
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._lock = threading.Lock()
        self._stopped = False

    def start(self) -> None:
        """Start the thread; to be called after InitEx, which wants to be first."""
        self._thread.start()

    def run(self, function: Callable[[], Result]) -> Result:
        """Return what `function` returns, or raise what it raises, after running it on the designated thread.

        Raises:
            ForkedProcessError: this process is a fork; the thread does not exist in it.
            LibraryStateError: the thread was stopped.
        """
        self._process.require_same_process()
        if threading.current_thread() is self._thread:
            return function()
        outcome: Future[Result] = Future()

        def work() -> None:
            try:
                outcome.set_result(function())
            except BaseException as error:  # noqa: BLE001 - belongs to the caller, whatever it is
                outcome.set_exception(error)

        with self._lock:
            if self._stopped:
                raise LibraryStateError("VDDK was ended: nothing can be opened or closed any more")
            self._work.put(work)
        return outcome.result()

    def stop(self) -> None:
        """Let the thread finish what was asked, then end it and wait for its end."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

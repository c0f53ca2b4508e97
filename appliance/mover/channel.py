"""The two ends of a mover's conversation with its engine: task in, messages out."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final

from appliance.model.disk_tasks import RELEASE_ORDER, TaskDocument, TaskMessage
from appliance.model.documents import from_json, to_json

_STDIN: Final = 0
_STDOUT: Final = 1
_STDERR: Final = 2
_CHUNK: Final = 65_536
ORPHANED_STATUS: Final = 75
"""What a mover ends with when its engine is gone."""


class Channel:
    """Standard input and output, taken over: whatever else prints goes to standard error from then on.

    A foreign library that prints to descriptor 1 would otherwise break the protocol.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._output = os.dup(_STDOUT)
        os.dup2(_STDERR, _STDOUT)
        self._pending = b""
        self.released = threading.Event()

    def receive_task(self) -> TaskDocument:
        """Wait for the first line.

        Raises:
            ValueError: it is not a task document.
        """
        return from_json(TaskDocument, self._read_line())

    def end_with_input(self) -> None:
        """From now on end this process at once when the engine closes its end.

        Nobody waits for the result any more; what is durable stays for the next attempt.
        """
        self._watch(lambda: os._exit(ORPHANED_STATUS))

    def release_at_end_of_input(self) -> None:
        """From now on set `released` when the engine says `release` or closes its end."""
        self._watch(self.released.set)

    def send(self, message: TaskMessage) -> None:
        """Write one line, whole, from any thread. An engine that does not listen is a dead engine."""
        line = memoryview(to_json(message) + b"\n")
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._output, line) :]
            except BrokenPipeError:
                os._exit(ORPHANED_STATUS)

    def _watch(self, at_end: Callable[[], None]) -> None:
        def watch() -> None:
            while line := self._read_line():
                if line == RELEASE_ORDER:
                    self.released.set()
            at_end()

        threading.Thread(target=watch, name="input-watcher", daemon=True).start()

    def _read_line(self) -> bytes:
        """The next line without its end; empty at the end of input (the engine sends no empty lines)."""
        while b"\n" not in self._pending:
            chunk = os.read(_STDIN, _CHUNK)
            if not chunk:
                return b""
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line

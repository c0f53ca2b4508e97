"""One mover as a child process: started, listened to, ended."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import appliance
from appliance.dispatch.errors import MoverProtocolError, MoverStalledError
from appliance.model.disk_tasks import TaskMessage
from appliance.model.documents import from_json

_PIPE_CHUNK = 65_536
_LAST_WORDS = 4_096
_KILL_SECONDS = 30.0
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
"""Everything else stays with the parent: an appliance's environment may name secrets of other services."""


class MoverProcess:
    """A running `python -m appliance.mover`. One thread uses it; leaving the context ends the process.

    The child's standard error goes to an unnamed file instead of a pipe: nobody has to read it while
    access is only held, and the child can never block on it.
    """

    def __init__(self, python: str, library_folder: str | None, grace_seconds: float) -> None:
        self._grace_seconds = grace_seconds
        self._lines: deque[bytes] = deque()
        self._partial_line = b""
        self.output_ended = False
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [python, "-P", "-m", "appliance.mover"],  # -P: no code from whatever folder we were started in
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env=_environment(library_folder),
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._words.close()

    @property
    def process_id(self) -> int:
        """The child's id, for logs."""
        return self._process.pid

    def tell(self, line: bytes) -> None:
        """Write one line to the child; a child that is gone already is noticed when its output ends."""
        if self._process.stdin is None:
            return
        try:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return

    def next_message(self, timeout_seconds: float) -> TaskMessage | None:
        """The child's next message, or None when there is none yet or `output_ended`.

        Raises:
            MoverProtocolError: the child wrote something else.
        """
        if not self._lines and not self.output_ended:
            self._read_some(timeout_seconds)
        if not self._lines:
            return None
        line = self._lines.popleft()
        try:
            return from_json(TaskMessage, line)
        except ValueError as error:
            message = f"mover {self.process_id} wrote {line[:200]!r}, which is no message: {error}"
            raise MoverProtocolError(message) from error

    def end(self) -> None:
        """Close the child's input, which asks it to end, wait a moment, then kill it. Always succeeds.

        A child that even SIGKILL does not end waits for a device in the kernel: it is left to its lock
        file, which says that it lives, rather than that the engine waits with it.
        """
        if self._process.stdin is not None and not self._process.stdin.closed:
            with suppress(BrokenPipeError):  # what was not yet written goes to nobody
                self._process.stdin.close()
        try:
            self._process.wait(self._grace_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_KILL_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def wait_for_end(self) -> int:
        """Give the child the grace time to end by itself; its exit status, negative for a signal.

        Raises:
            MoverStalledError: not even SIGKILL ended it: the kernel waits for a device.
        """
        try:
            return self._process.wait(self._grace_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
        try:
            return self._process.wait(_KILL_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise MoverStalledError(f"mover {self.process_id} does not end, though it was killed") from error

    def last_words(self) -> str:
        """The end of what the child wrote to standard error."""
        length = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, length - _LAST_WORDS))
        return self._words.read().decode(errors="replace").strip()

    def _read_some(self, timeout_seconds: float) -> None:
        if self._process.stdout is None:
            return
        descriptor = self._process.stdout.fileno()
        readable, _, _ = select.select([descriptor], [], [], timeout_seconds)
        if not readable:
            return
        chunk = os.read(descriptor, _PIPE_CHUNK)
        if not chunk:
            self.output_ended = True
            return
        *lines, self._partial_line = (self._partial_line + chunk).split(b"\n")
        self._lines.extend(line for line in lines if line)


def _environment(library_folder: str | None) -> dict[str, str]:
    """What the child sees: where to find us and, before its first instruction, VDDK's own libraries."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment["PYTHONPATH"] = str(Path(appliance.__path__[0]).parent)
    if library_folder is not None:
        environment["LD_LIBRARY_PATH"] = str(Path(library_folder) / "lib64")
    return environment

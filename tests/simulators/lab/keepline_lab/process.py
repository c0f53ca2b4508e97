"""The simulated vCenter as a process: started with a configuration file, ready when it has said so."""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any  # the ready line is JSON

from keepline_lab.errors import AddressInUseError, LabError

READY_SECONDS = 60
STOP_SECONDS = 10
POLL_SECONDS = 0.02
LOG_NAME = "lab.log"
LOCK_NAME = "lock"


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process that may not be a child: its start time tells it from a later one with the same number."""

    number: int
    started: int

    @classmethod
    def of(cls, number: int) -> RunningProcess:
        """Describe a process that runs now.

        Raises:
            LabError: it does not.
        """
        started = _start_time(number)
        if started is None:
            raise LabError(f"process {number} does not run")
        return cls(number, started)

    @property
    def runs(self) -> bool:
        """Whether it still runs; one that ended and waits for its parent does not."""
        return _start_time(self.number) == self.started

    def stop(self) -> None:
        """End it, by force when it does not end by itself; return when it is gone.

        Raises:
            LabError: it does not end.
        """
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            if not self.runs:
                return
            with suppress(ProcessLookupError):
                os.kill(self.number, signal_number)
            self._wait(STOP_SECONDS)
        if self.runs:
            raise LabError(f"process {self.number} does not end")

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.runs and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def _start_time(number: int) -> int | None:
    """Return field 22 of /proc/PID/stat (proc_pid_stat(5)), or None when the process has ended."""
    try:
        text = Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def start_vcenter(
    program: Path, configuration: Path, *, detached: bool
) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Start the simulated vCenter and return it with what its ready line says.

    A detached one outlives this process and belongs to no terminal; any other one ends with this process.

    Raises:
        LabError: it ended or said nothing; its own words are in the message and in lab.log.
    """
    log_path = configuration.parent / LOG_NAME
    with log_path.open("ab") as log, _locked(configuration.parent) as lock:
        log_start = log.tell()
        process = subprocess.Popen(
            [program, "-config", configuration, *([] if detached else ["-exit-with-stdin"])],
            stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=configuration.parent,
            pass_fds=[lock.fileno()],  # the lock is held as long as that process lives
            start_new_session=True,  # Ctrl-C is for us to pass on
        )
    assert process.stdout is not None
    with process.stdout as output:
        line = _read_line(output, READY_SECONDS)
    try:
        return process, json.loads(line)
    except ValueError as error:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()
        said = log_path.read_bytes()[log_start:].decode(errors="replace").strip()[-1000:]
        kind = AddressInUseError if "address already in use" in said else LabError
        raise kind(f"the simulated vCenter did not start: {said or line!r}") from error


def _locked(folder: Path) -> IO[bytes]:
    """Take the lock of a laboratory: two processes over one folder would spoil each other's state."""
    lock = (folder / LOCK_NAME).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise LabError(f"the laboratory in {folder} runs already") from error
    return lock


def _read_line(output: IO[bytes], seconds: float) -> bytes:
    """Return the first line, or what came of it before the process ended or the time was over."""
    deadline = time.monotonic() + seconds
    received = b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while b"\n" not in received and selector.select(deadline - time.monotonic()):
            chunk = os.read(output.fileno(), 65536)
            if not chunk:
                break
            received += chunk
    return received

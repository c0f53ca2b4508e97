"""What a run needs from outside, and the folder it works in."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.model.identifiers import InstallationId, RunId
from appliance.vsphere import VcenterConnection


class VcenterDirectory(Protocol):
    """The vCenters the appliance knows, by the name the admin gave them."""

    def connect(self, name: str) -> AbstractContextManager[VcenterConnection]:
        """A session with the vCenter called `name`.

        Raises:
            InputError: there is none of this name.
            VcenterError: it does not answer, or refuses.
        """
        ...


class MoverLocks(Protocol):
    """The lock files by which movers of a dead engine are found."""

    def lock_file(self, run: RunId, attempt: int, task: str) -> Path:
        """Where the mover of one task of one attempt holds its lock; `task` is one word."""
        ...

    def wait_until_gone(self, run: RunId) -> None:
        """Return when no mover of the run is alive: waited for, then killed."""
        ...


@dataclass(frozen=True, slots=True)
class MoverSettings:
    """How disk tasks are run. `transport_modes` is VDDK's list, tried left to right."""

    vddk_folder: Path
    runs_folder: Path
    installation: InstallationId
    workers: int = 4
    compression_level: int = 1
    transport_modes: str = "hotadd:nbdssl:nbd"
    read_back_percent: int = 5
    call_limit_seconds: float = 300.0
    task_attempts: int = 3
    retry_seconds: float = 2.0
    snapshot_resume_seconds: float = 6 * 3600.0


PENDING_POINT = "pending-point.json"
"""What a run keeps once all its disks are durable drafts."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The local folder of one run: inputs of its movers, and what must outlive its engine."""

    path: Path

    @classmethod
    def of(cls, settings: MoverSettings, run: RunId) -> RunFolder:
        """The folder of `run`, made if need be; readable by the appliance alone."""
        path = settings.runs_folder / run
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(path)

    @property
    def vddk_temporary(self) -> Path:
        """VDDK's tmpDirectory: the same in every attempt, so that Cleanup finds what a dead one left."""
        return self._made("vddk")

    @property
    def awaits_commit(self) -> bool:
        """Whether every disk was read: the run goes on from its drafts and touches no machine any more."""
        return (self.path / PENDING_POINT).exists()

    def task(self, name: str, attempt: int) -> Path:
        """An empty folder for the inputs of one task."""
        path = self.path / f"{name}.{attempt}"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        return path

    def keep(self, name: str, content: bytes) -> None:
        """Write a file that must outlive a crash: whole or not at all, durable on return."""
        unfinished = self.path / f"{name}.new"
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.path / name)
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def kept(self, name: str) -> bytes | None:
        """What `keep` wrote, or None."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self) -> None:
        """The run has ended: nothing in here is needed any more."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _made(self, name: str) -> Path:
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

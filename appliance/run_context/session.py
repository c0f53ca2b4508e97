"""One run at work on one machine of one vCenter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.clock import Clock
from appliance.errors import ApplianceError, RunCancelledError
from appliance.model.disk_tasks import CleanupTask, HoldAccessTask, VddkAccess
from appliance.model.identifiers import ManagedObjectId
from appliance.model.runs import Run
from appliance.progress import ProgressSink
from appliance.repository.repository import Repository
from appliance.run_context.ports import DiskTaskRunner
from appliance.run_context.sole_engine import SoleEngine
from appliance.run_context.workplace import MoverLocks, MoverSettings, RunFolder, VcenterDirectory
from appliance.state import JournalEntry, JournalKind, JournalNumber, JournalStore
from appliance.vsphere import Mark, VcenterConnection


@dataclass(frozen=True, slots=True)
class Tools:
    """What assembly hands to every kind of run."""

    clock: Clock
    settings: MoverSettings
    vcenters: VcenterDirectory
    movers: DiskTaskRunner
    locks: MoverLocks
    journal: JournalStore
    repository: Repository
    repository_location: str
    software: str
    sole_engine: SoleEngine


@dataclass(frozen=True, slots=True)
class RunSession:
    """A run with its tools, its folder and its way to say things."""

    run: Run
    tools: Tools
    folder: RunFolder
    progress: ProgressSink
    cancelled: threading.Event

    @property
    def mark(self) -> Mark:
        """What everything this run leaves in vCenter carries."""
        return Mark(self.tools.settings.installation, self.run.id)

    @property
    def marker(self) -> str:
        """The mark as one line of the journal."""
        return f"{self.mark.installation}/{self.mark.run}"

    def stop_if_cancelled(self) -> None:
        """Called between the steps of a run.

        Raises:
            RunCancelledError: somebody asked for the end of the run.
        """
        if self.cancelled.is_set():
            raise RunCancelledError(f"run {self.run.id} for {self.run.subject_name} was cancelled")

    def lock_file(self, task: str) -> str:
        """The lock file for the mover of one task of this attempt."""
        return str(self.tools.locks.lock_file(self.run.id, self.run.attempt, task))

    def access(
        self, connection: VcenterConnection, machine: ManagedObjectId, snapshot: ManagedObjectId | None
    ) -> VddkAccess:
        """How a mover reaches the disks of `machine`; snapshot and connection are of one vCenter."""
        settings = self.tools.settings
        return VddkAccess(
            library_folder=str(settings.vddk_folder),
            temporary_folder=str(self.folder.vddk_temporary),
            server=connection.address.host,
            port=connection.address.port,
            user=connection.address.user,
            password=connection.address.password,
            thumbprint=connection.thumbprint_sha1,
            machine=machine,
            snapshot=snapshot,
            transport_modes=settings.transport_modes,
            call_limit_seconds=settings.call_limit_seconds,
        )

    @contextmanager
    def held_access(
        self, connection: VcenterConnection, vcenter: str, machine: ManagedObjectId
    ) -> Iterator[None]:
        """Keep vCenter from moving the machine meanwhile; a refusal is a warning, not an error.

        Raises:
            RunCancelledError: somebody asked for the end of the run before access was had.
            ApplianceError: access could not be given back, not by a second EndAccess either.
        """
        access = self.access(connection, machine, None)
        task = HoldAccessTask(access, access_identity(self.run), self.lock_file("access"))
        entry = JournalEntry(JournalKind.ACCESS, self.run.id, vcenter, machine, task.identity)
        number = self.tools.journal.open(entry, self.tools.clock.now())
        has_ended_well = False
        try:
            with self.tools.movers.hold_access(task, self.cancelled) as ready:
                if ready.warning:
                    self.progress.message(
                        f"the machine may be moved meanwhile: {ready.warning}", warning=True
                    )
                self.stop_if_cancelled()
                yield
                has_ended_well = True
        except BaseException as error:
            # The holder may have died with its access: only a second EndAccess makes sure.
            cleanup = CleanupTask(access, task.identity, self.lock_file("cleanup"))
            is_free = self._end_access_again(cleanup, number)
            if not (has_ended_well and is_free and isinstance(error, ApplianceError)):
                raise
            self.progress.message(f"access had to be ended a second time: {error}", warning=True)
            return
        self.tools.journal.close(number, self.tools.clock.now())

    def _end_access_again(self, task: CleanupTask, number: JournalNumber) -> bool:
        """Whether access is given back.

        A failure must not hide why the run ends: its journal entry stays, and the next start tries.
        """
        try:
            self.tools.movers.cleanup(task)
        except ApplianceError as error:
            text = f"access to {task.access.machine} is not ended yet: {error} ({error.code})"
            self.progress.message(f"{text}; the next start ends it", warning=True)
            return False
        self.tools.journal.close(number, self.tools.clock.now())
        return True


def access_identity(run: Run) -> str:
    """Who holds access: at most 50 characters (PrepareForAccess), the same in every attempt."""
    return f"keepline-{run.id}"

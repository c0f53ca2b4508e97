"""After a crash: take away what a dead engine's run has left in vCenter, in the one order that works.

Movers gone → Cleanup in a fresh child with the same temporary folder → snapshot removed, disks
consolidated → EndAccess → half-restored machine deleted → journal entry closed
(docs/architecture.md, "After a crash").
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection
from datetime import timedelta

from appliance.errors import ApplianceError
from appliance.model.disk_tasks import CleanupTask
from appliance.model.identifiers import ManagedObjectId, RunId
from appliance.model.runs import Run, RunKind
from appliance.progress import ProgressSink
from appliance.repository.retirement import delete_drafts
from appliance.run_context.session import RunSession, Tools
from appliance.run_context.workplace import RunFolder
from appliance.state import JournalEntry, JournalKind
from appliance.vsphere import (
    VcenterConnection,
    delete_machine,
    machine_by_moref,
    machines_marked_by,
    remove_snapshot,
    snapshot_facts,
    snapshots_marked_by,
)
from appliance.vsphere.errors import MachineNotFoundError


class LeftoverRecovery:
    """Implements the engine's `CrashRecovery` for every kind of run."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def recover(self, run: Run, progress: ProgressSink) -> None:
        """Work through the open journal entries of `run`.

        The snapshot of a backup that will be resumed soon is kept: its checkpoints are worth nothing
        without it. Everything else goes.
        """
        self._tools.locks.wait_until_gone(run.id)
        folder = RunFolder.of(self._tools.settings, run.id)
        session = RunSession(run, self._tools, folder, progress, threading.Event())
        entries = self._tools.journal.open_entries_of(run.id)
        for vcenter in dict.fromkeys(entry.vcenter for entry in entries):
            with self._tools.vcenters.connect(vcenter) as connection:
                _Leftovers(session, connection, [e for e in entries if e.vcenter == vcenter]).take_away()

    def forget_ended(self, needed: Collection[RunId]) -> None:
        """See `CrashRecovery`: folders of runs, the drafts of such a run, and what dead movers half wrote.

        A folder here is what proves a draft to be ours: another appliance may write to this repository.
        """
        self._tools.repository.store.remove_leftovers(self._tools.clock)
        if not self._tools.settings.runs_folder.is_dir():
            return
        for path in sorted(self._tools.settings.runs_folder.iterdir()):
            if path.name not in needed:
                delete_drafts(self._tools.repository, RunId(path.name))
                RunFolder(path).remove()


class _Leftovers:
    """The open entries of one run in one vCenter."""

    def __init__(
        self, session: RunSession, connection: VcenterConnection, entries: list[JournalEntry]
    ) -> None:
        self._session = session
        self._connection = connection
        self._entries = entries

    def take_away(self) -> None:
        self._release_hot_added_disks()
        for entry in self._of(JournalKind.SNAPSHOT):
            self._remove_snapshot(entry)
        for entry in self._of(JournalKind.ACCESS):
            self._end_access(entry)
        for entry in self._of(JournalKind.MACHINE):
            self._delete_machine(entry)

    def _of(self, kind: JournalKind) -> list[JournalEntry]:
        return [entry for entry in self._entries if entry.kind is kind]

    def _close(self, entry: JournalEntry) -> None:
        self._session.tools.journal.close(entry.number, self._session.tools.clock.now())

    def _cleanup(self, machine: ManagedObjectId, identity: str | None) -> None:
        access = self._session.access(self._connection, machine, None)
        self._session.tools.movers.cleanup(CleanupTask(access, identity, self._session.lock_file("cleanup")))

    def _end_access(self, entry: JournalEntry) -> None:
        try:
            self._cleanup(entry.machine, entry.marker)
        except ApplianceError:
            if not self._is_gone(entry.machine):
                raise  # a machine that was deleted has taken its locks along
        self._close(entry)

    def _is_gone(self, machine: ManagedObjectId) -> bool:
        try:
            machine_by_moref(self._connection, machine)
        except MachineNotFoundError:
            return True
        return False

    def _release_hot_added_disks(self) -> None:
        for machine in dict.fromkeys(entry.machine for entry in self._entries if entry.machine):
            try:
                self._cleanup(machine, None)
            except ApplianceError as error:
                # Without hot-added disks there is nothing to release; with them the snapshot refuses to
                # go, and that is the error worth reporting.
                text = f"VDDK's clean-up for {machine} failed: {error} ({error.code})"
                self._session.progress.message(text, warning=True)

    def _remove_snapshot(self, entry: JournalEntry) -> None:
        recorded = json.loads(entry.details).get("snapshot")
        if recorded and self._will_be_resumed(entry.machine, ManagedObjectId(recorded)):
            return
        for moref in self._snapshots_of(entry):
            remove_snapshot(self._connection, entry.machine, moref)
            self._session.progress.message(
                f"removed snapshot {moref} left by attempt {self._session.run.attempt}"
            )
        self._close(entry)

    def _snapshots_of(self, entry: JournalEntry) -> list[ManagedObjectId]:
        """By the mark too: the engine may have died before it could write down what it had made."""
        known = json.loads(entry.details).get("snapshot")
        if known:
            return [ManagedObjectId(known)]
        marked = snapshots_marked_by(self._connection, self._session.mark.installation)
        return [found.snapshot for found in marked if found.mark == self._session.mark]

    def _will_be_resumed(self, machine: ManagedObjectId, moref: ManagedObjectId) -> bool:
        """Whether disks are still to be read from it: what only awaits its commit needs none (rule 4)."""
        run = self._session.run
        if self._session.folder.awaits_commit:
            return False
        if run.kind is not RunKind.BACKUP or run.has_ended or run.cancel_requested:
            return False
        facts = snapshot_facts(self._connection, machine, moref)
        if facts is None:
            return False
        age = self._session.tools.clock.now() - facts.created_at
        return age < timedelta(seconds=self._session.tools.settings.snapshot_resume_seconds)

    def _delete_machine(self, entry: JournalEntry) -> None:
        mark = self._session.mark
        for found in machines_marked_by(self._connection, mark.installation):
            if found.mark == mark and found.unfinished:
                delete_machine(self._connection, found.moref, mark)
                self._session.progress.message(f"deleted the half-restored machine {found.name}")
        self._close(entry)

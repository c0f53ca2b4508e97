"""A run session over fakes: real journal, real folder, scripted movers, no vCenter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from appliance.clock import ManualClock
from appliance.model.disk_progress import DiskProgress
from appliance.model.identifiers import InstallationId, RunId
from appliance.model.runs import Run, RunKind, RunState
from appliance.repository.engine_starts import HostFacts
from appliance.repository.repository import initialise_repository
from appliance.run_context import MoverSettings, RunFolder, RunSession, SoleEngine, Tools
from appliance.state import InstallationStore, JournalStore, RunStore, create_state_folder, open_database
from appliance.vsphere import VcenterConnection
from tests.fakes.movers import FolderLocks, ScriptedMovers
from tests.fakes.object_stores import MemoryObjectStore


@dataclass(slots=True)
class HeardProgress:
    """A sink that remembers."""

    phases: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    disks: list[DiskProgress] = field(default_factory=list)

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def disk(self, progress: DiskProgress) -> None:
        self.disks.append(progress)

    def message(self, text: str, *, warning: bool = False) -> None:
        (self.warnings if warning else self.messages).append(text)


class NoVcenters:
    """A directory without vCenters."""

    @contextmanager
    def connect(self, name: str) -> Iterator[VcenterConnection]:
        raise AssertionError(f"nobody should connect to {name} here")
        yield


RUN = Run(
    id=RunId("20260101T000000Z-00000001"),
    kind=RunKind.BACKUP,
    subject="vc.machine",
    subject_name="web",
    state=RunState.QUEUED,
    requested_at=ManualClock().now(),
    request="{}",
)


@contextmanager
def run_session(folder: Path, movers: ScriptedMovers, run: Run = RUN) -> Iterator[RunSession]:
    """A session of `run`; its progress is a `HeardProgress`."""
    clock = ManualClock()
    create_state_folder(folder / "state")
    settings = MoverSettings(
        vddk_folder=folder / "vddk",
        runs_folder=folder / "runs",
        installation=InstallationId("installation-1"),
    )
    with open_database(folder / "state") as database:
        RunStore(database).request(run)
        claimed = RunStore(database).claim_next(clock.now())
        assert claimed is not None
        repository = initialise_repository(MemoryObjectStore(), clock)
        sole_engine = SoleEngine(
            repository.store,
            settings.installation,
            InstallationStore(database),
            HostFacts("appliance-1", "", ""),
            clock,
            lambda size: "0" * 2 * size,
        )
        tools = Tools(
            clock=clock,
            settings=settings,
            vcenters=NoVcenters(),
            movers=movers,
            locks=FolderLocks(folder / "locks"),
            journal=JournalStore(database),
            repository=repository,
            repository_location=str(folder / "repository"),
            software="test",
            sole_engine=sole_engine,
        )
        yield RunSession(claimed, tools, RunFolder.of(settings, run.id), HeardProgress(), threading.Event())

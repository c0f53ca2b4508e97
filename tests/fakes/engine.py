"""An engine over a real state database, with handlers and recovery that do as they are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from appliance.clock import SystemClock
from appliance.engine import CrashStart, Engine, EngineLimits
from appliance.model.identifiers import RunId, new_run_id
from appliance.model.run_limits import RunLimits
from appliance.model.runs import NOWHERE, Run, RunKind, RunLogLine, RunOutcome, RunPlace, RunState
from appliance.progress import ProgressSink
from appliance.state import JournalStore, RunFilter, RunLogStore, RunStore

Step = Callable[[Run, ProgressSink, threading.Event], RunOutcome]


def succeed(_run: Run, _progress: ProgressSink, _cancelled: threading.Event) -> RunOutcome:
    """What most runs of these tests do."""
    return RunOutcome(RunState.SUCCEEDED, "{}")


@dataclass(slots=True)
class FakeHandler:
    """Runs one function for every run, and remembers which runs it was given."""

    step: Step = succeed
    executed: list[Run] = field(default_factory=list)

    def execute(self, run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        self.executed.append(run)
        return self.step(run, progress, cancelled)


@dataclass(slots=True)
class FakeRecovery:
    """Remembers what it was asked to clean up; fails with `error` if there is one."""

    error: Exception | None = None
    recovered: list[RunId] = field(default_factory=list)
    needed: list[frozenset[RunId]] = field(default_factory=list)

    def recover(self, run: Run, progress: ProgressSink) -> None:
        self.recovered.append(run.id)
        if self.error is not None:
            raise self.error

    def forget_ended(self, needed: Collection[RunId]) -> None:
        self.needed.append(frozenset(needed))
        if self.error is not None:
            raise self.error


@dataclass(slots=True)
class Workplace:
    """One state folder with everything an engine needs."""

    folder: Path
    runs: RunStore
    log: RunLogStore
    journal: JournalStore
    clock: SystemClock = field(default_factory=SystemClock)
    handler: FakeHandler = field(default_factory=FakeHandler)
    recovery: FakeRecovery = field(default_factory=FakeRecovery)
    count: int = 0

    def engine(
        self, concurrent_runs: int = 2, per_vcenter: int | None = None, per_host: int | None = None
    ) -> Engine:
        start = CrashStart(self.runs, self.log, self.journal, self.recovery, self.clock)
        limits = EngineLimits(RunLimits(concurrent_runs, per_vcenter, per_host), poll_seconds=0.01)
        handlers = {RunKind.BACKUP: self.handler, RunKind.VERIFY: self.handler}
        return Engine(self.runs, self.log, handlers, start, self.clock, limits)

    def queue(self, kind: RunKind = RunKind.BACKUP, place: RunPlace = NOWHERE) -> RunId:
        self.count += 1
        now = self.clock.now()
        run_id = new_run_id(now, f"{self.count:08x}")
        name = f"machine-{self.count}"
        run = Run(run_id, kind, name, name, RunState.QUEUED, now, "{}", place=place)
        return self.runs.request(run).run.id

    def leave_running(self) -> Run:
        """A run whose engine died."""
        self.queue()
        run = self.runs.claim_next(self.clock.now())
        assert run is not None
        return run

    def states(self) -> list[RunState]:
        """Of all runs, oldest first."""
        return [run.state for run in reversed(self.runs.list(RunFilter()))]

    def log_of(self, run_id: RunId) -> list[RunLogLine]:
        return self.log.lines(run_id)

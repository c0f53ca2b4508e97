"""A whole appliance without vSphere: real state, services and engine, fake vCenter, points and handlers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from appliance.assembly import Appliance
from appliance.cli.invocation import Invocation
from appliance.cli.main import run
from appliance.cli.output import Output
from appliance.clock import SystemClock
from appliance.engine import CrashStart, Engine, EngineLimits, EngineLock
from appliance.errors import ApplianceError
from appliance.model.run_limits import RunLimits
from appliance.model.runs import RunKind
from appliance.settings import Settings
from appliance.state import require_state_folder
from tests.fakes.engine import FakeHandler, FakeRecovery
from tests.fakes.services import Desk


@dataclass(slots=True)
class Answer:
    """What one command printed and how it ended."""

    status: int
    output: str
    errors: str

    @property
    def document(self) -> dict[str, Any]:  # Any: what a command's document holds is what tests ask it
        """Standard output as the one JSON document it must be."""
        document: dict[str, Any] = json.loads(self.output)
        return document


@dataclass(slots=True)
class Terminal:
    """Runs commands of the command line in this process, against one `Desk`."""

    folder: Path
    desk: Desk
    handler: FakeHandler = field(default_factory=FakeHandler)
    lock: EngineLock = field(init=False)
    engine_error: ApplianceError | None = None

    def __post_init__(self) -> None:
        self.lock = EngineLock(self.folder)

    def call(self, *arguments: str) -> Answer:
        output, errors = io.StringIO(), io.StringIO()
        streams = Output(Console(file=output, width=80), Console(file=errors, width=80))
        status = run(arguments, Invocation(streams, self._opened))
        return Answer(status, output.getvalue(), errors.getvalue())

    @contextmanager
    def _opened(self, settings: Settings) -> Iterator[Appliance]:
        require_state_folder(settings.state_folder)
        desk = self.desk
        yield Appliance(
            clock=SystemClock(),
            vcenters=desk.vcenters,
            inventory=desk.inventory,
            backups=desk.backups,
            restores=desk.restores,
            points=desk.points,
            repositories=desk.repositories,
            installation=desk.installation,
            runs=desk.runs,
            retries=desk.retries,
            policies=desk.policies,
            due_policies=desk.due_policies,
            retention=desk.retention,
            policy_keeper=desk.policy_keeper,
            policy_covers=desk.policy_covers,
            policy_pages=desk.policy_pages,
            notifier=desk.notifier,
            notifier_keeper=desk.notifier_keeper,
            engine_lock=self.lock,
            make_engine=self._engine,
        )

    def _engine(self) -> Engine:
        if self.engine_error is not None:
            raise self.engine_error
        desk, clock = self.desk, SystemClock()
        start = CrashStart(desk.run_store, desk.log, desk.journal, FakeRecovery(), clock)
        handlers = dict.fromkeys(RunKind, self.handler)
        return Engine(desk.run_store, desk.log, handlers, start, clock, EngineLimits(RunLimits(2), 0.05))

"""`keepline engine` of one appliance: started, killed and stopped as often as a test wants."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from appliance.model.identifiers import RunId
from appliance.model.policies import Policy, Retention, Selection
from appliance.model.runs import Run
from appliance.services import BackupOrder
from appliance.state import Firing, PolicyStore, RunFilter, open_database
from tests.fakes.policies import policy
from tests.simulated.appliance.command_line import Ended, Started, WarmProcess
from tests.simulated.appliance.installation import MACHINE, VCENTER, Installation
from tests.waiting import wait_until

KEEP_ALL = Retention(keep_last=10_000)


class EngineService:
    """One process at a time; `installation` says whose."""

    def __init__(self, keepline: WarmProcess, installation: Installation) -> None:
        self.installation = installation
        self._keepline = keepline
        self._started: Started | None = None

    @property
    def process(self) -> int:
        """Its process id."""
        assert self._started is not None, "no engine was started"
        return self._started.process

    def start(self, die_before: str = "") -> None:
        """Start one; with `die_before` it is killed before that call to its object store."""
        assert self._started is None, "the last engine was not waited for"
        self._started = self._keepline.command(self.installation, "engine", die_before=die_before)

    def kill(self) -> None:
        """kill -9."""
        os.kill(self.process, signal.SIGKILL)
        self.wait_until_killed()

    def wait_until_killed(self) -> None:
        """Return when something else has killed it."""
        ended = self._wait()
        assert ended.status == -signal.SIGKILL, ended.output + ended.errors

    def wait_until_it_said(self, text: str) -> None:
        """Return when its standard error holds the text."""
        assert self._started is not None, "no engine was started"
        errors = self._started.folder / "stderr"
        wait_until(lambda: errors.exists() and text in errors.read_text(), f"the engine has said {text!r}")

    def stop(self) -> Ended:
        """SIGTERM, and how it ended, which must be in order."""
        os.kill(self.process, signal.SIGTERM)
        ended = self._wait()
        assert ended.status == 0, ended.output + ended.errors
        assert "Traceback" not in ended.errors, ended.errors
        return ended

    def ended(self) -> Ended:
        """How it ended by itself."""
        return self._wait()

    def leave(self) -> None:
        """At the end of a test, however it ended."""
        if self._started is not None:
            os.kill(self._started.process, signal.SIGKILL)
            self._wait()

    def _wait(self) -> Ended:
        assert self._started is not None, "no engine was started"
        started, self._started = self._started, None
        return started.wait()


@contextmanager
def engine_service(keepline: WarmProcess, installation: Installation) -> Iterator[EngineService]:
    """An engine's service; killed with the context if it was not stopped by then."""
    service = EngineService(keepline, installation)
    try:
        yield service
    finally:
        service.leave()


def miss_a_due_time(installation: Installation, name: str) -> Policy:
    """Make a policy as of yesterday: it is due now, once, for nobody has been the engine since."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    every_day = yesterday - timedelta(minutes=5)
    made = policy(
        name,
        f"{every_day:%M} {every_day:%H} * * *",
        vcenter=VCENTER,
        selection=Selection(names=(MACHINE,)),
        retention=KEEP_ALL,
        active_since=yesterday,
    )
    with open_database(installation.settings.state_folder) as database:
        PolicyStore(database).add(made)
    return made


def firings_of(installation: Installation, made: Policy) -> tuple[Firing, ...]:
    """The due times of a policy that were settled."""
    with open_database(installation.settings.state_folder) as database:
        return PolicyStore(database).firings(made.id)


def runs_of(installation: Installation) -> list[Run]:
    """All runs, oldest first."""
    with installation.open() as appliance:
        return list(reversed(appliance.runs.page(RunFilter(limit=10_000))))


def ask_for_backup(installation: Installation) -> RunId:
    """Ask for a backup as the console does; some engine is to carry it out."""
    with installation.open() as appliance:
        (requested,) = appliance.backups.request(BackupOrder(VCENTER, [MACHINE]))
    return requested.run.id


def ended_run(installation: Installation, run: RunId) -> Run:
    """The run, when it has ended."""
    found: list[Run] = []

    def has_ended() -> bool:
        with installation.open() as appliance:
            found[:] = [appliance.runs.find(run)]
        return found[0].has_ended

    wait_until(has_ended, f"run {run} has ended")
    return found[0]

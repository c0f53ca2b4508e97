"""What keeps a console's worker at one point of a request until it is killed there."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.state.audit_file import AUDIT_FILE
from appliance.state.database import DATABASE_FILE
from tests.faults.appliance.breakpoints import VcenterCall
from tests.simulated.appliance.installation import Installation
from tests.waiting import wait_until

Reached = Callable[[], None]


class Hold(Protocol):
    """A place where a request waits."""

    @contextmanager
    def held(self, installation: Installation, folder: Path) -> Iterator[Reached]:
        """While the context is open, requests wait there; the function returns when one does."""
        yield lambda: None


@dataclass(frozen=True, slots=True)
class AtNothing:
    """Requests are not kept: the worker dies wherever it is then."""

    @contextmanager
    def held(self, installation: Installation, folder: Path) -> Iterator[Reached]:
        yield lambda: None


@dataclass(frozen=True, slots=True)
class AtVcenter:
    """vCenter does not answer a call of this method."""

    method: str

    @contextmanager
    def held(self, installation: Installation, folder: Path) -> Iterator[Reached]:
        with VcenterCall(self.method).armed(installation.lab, folder) as reached:
            yield reached


@dataclass(frozen=True, slots=True)
class AtDatabase:
    """Somebody else writes to the state database, after vCenter was asked and left `logouts` times."""

    logouts: int = 0

    @contextmanager
    def held(self, installation: Installation, folder: Path) -> Iterator[Reached]:
        control = installation.lab.control
        wanted = control.state().calls.get("Logout", 0) + self.logouts
        path = installation.settings.state_folder / DATABASE_FILE
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield lambda: wait_until(
                lambda: control.state().calls.get("Logout", 0) >= wanted, "vCenter was asked and left"
            )
            connection.execute("ROLLBACK")


@dataclass(frozen=True, slots=True)
class AtAuditTrail:
    """The audit trail is a pipe that nobody reads: what is written down there is done, but not answered."""

    done: str
    """What the state database's run table must hold then, as SQL that counts."""

    @contextmanager
    def held(self, installation: Installation, folder: Path) -> Iterator[Reached]:
        trail = installation.settings.state_folder / AUDIT_FILE
        aside = folder / "audit-trail"
        trail.rename(aside)
        os.mkfifo(trail)
        before = self._count(installation)
        try:
            yield lambda: wait_until(lambda: self._count(installation) != before, "it is done")
        finally:
            aside.rename(trail)

    def _count(self, installation: Installation) -> int:
        path = installation.settings.state_folder / DATABASE_FILE
        with closing(sqlite3.connect(path)) as connection:
            (count,) = connection.execute(self.done).fetchone()
        return int(count)

"""One installation id, one appliance (docs/architecture.md, rule 9).

A copied appliance has the id, the journal and the queue of the other one, and would remove the snapshots
that the other one is reading. So each engine that starts takes the next number in the repository, with a
token nobody else knows; who finds a later number than its own is not alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from appliance.clock import Clock
from appliance.errors import RepositoryError
from appliance.model.identifiers import InstallationId
from appliance.repository.engine_starts import (
    DISPUTED,
    EngineStart,
    HostFacts,
    newest_engine_start,
    put_engine_start,
)
from appliance.run_context.errors import DuplicateInstallationError
from appliance.storage import ObjectExistsError, ObjectStore

logger = logging.getLogger(__name__)

TOKEN_BYTES = 16


class EngineStartMemory(Protocol):
    """What this appliance remembers of its own newest start; `state.InstallationStore` is one."""

    def last_start(self) -> tuple[int, str]:
        """Its number and its token: 0 and nothing before the first."""
        ...

    def note_start(self, number: int, token: str) -> None:
        """Remember a start before it is told to anybody."""
        ...


class SoleEngine:
    """Makes sure that no other appliance acts under this installation's id."""

    def __init__(
        self,
        store: ObjectStore,
        installation: InstallationId,
        memory: EngineStartMemory,
        host: HostFacts,
        clock: Clock,
        random_hex: Callable[[int], str],
    ) -> None:
        self._store = store
        self._installation = installation
        self._memory = memory
        self._host = host
        self._clock = clock
        self._random_hex = random_hex

    def newest(self) -> EngineStart | None:
        """The newest start of this installation, whoever made it."""
        return newest_engine_start(self._store, self._installation)

    def begin(self) -> None:
        """Start as the only one: before anything is done about what earlier runs have left.

        Raises:
            DuplicateInstallationError: somebody else has started under this id.
        """
        newest = self.newest()
        number, _ = self._memory.last_start()
        if newest is not None:
            self._refuse_other(newest, elsewhere=newest.host.is_another_than(self._host))
            number = max(number, newest.number)
        self._take(number + 1)

    def confirm(self) -> None:
        """Make sure that nobody has started since, before something is taken for a leftover.

        Raises:
            DuplicateInstallationError: somebody has.
        """
        newest = self.newest()
        if newest is not None:
            self._refuse_other(newest, elsewhere=False)

    def claim(self) -> None:
        """Be the one from now on, by a person's word.

        Raises:
            DuplicateInstallationError: somebody else has started at this very moment.
        """
        newest = self.newest()
        number, _ = self._memory.last_start()
        self._take(max(number, newest.number if newest else 0) + 1)

    def _take(self, number: int) -> None:
        token = self._random_hex(TOKEN_BYTES)
        self._memory.note_start(number, token)
        try:
            put_engine_start(self._store, self._start(number, token))
        except ObjectExistsError:
            self.confirm()
        except RepositoryError as error:  # a full or read-only repository must still give its points back
            logger.warning("engine start not told: %s", error, extra={"code": error.code})

    def _refuse_other(self, newest: EngineStart, *, elsewhere: bool) -> None:
        number, token = self._memory.last_start()
        is_own = newest.number < number or (newest.number, newest.token) == (number, token)
        if is_own and not elsewhere:
            return
        self._dispute(newest)
        raise DuplicateInstallationError(_text(newest, self._installation))

    def _dispute(self, newest: EngineStart) -> None:
        """Let the other one know too: whoever acts next finds a start that is not its own."""
        if newest.is_disputed:
            return
        try:
            put_engine_start(
                self._store, EngineStart(self._installation, newest.number + 1, DISPUTED, newest.host, None)
            )
        except RepositoryError as error:
            logger.warning("dispute not told: %s", error, extra={"code": error.code})

    def _start(self, number: int, token: str) -> EngineStart:
        return EngineStart(self._installation, number, token, self._host, self._clock.now())


def _text(newest: EngineStart, installation: InstallationId) -> str:
    if newest.started_at is None:
        return f"two appliances have used installation {installation}"
    return (
        f"another appliance, on {newest.host.name or 'an unnamed host'}, has started as installation "
        f"{installation} on {newest.started_at:%Y-%m-%d at %H:%M}Z"
    )

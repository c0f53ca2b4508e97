"""Who this appliance is, and what to do when another one says the same of itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from appliance.clock import Clock
from appliance.model.identifiers import InstallationId
from appliance.model.runs import ACTIVE_STATES, RunFailure, RunState
from appliance.repository.engine_starts import EngineStart
from appliance.repository.repository import register_installation
from appliance.run_context import DuplicateInstallationError
from appliance.services.repositories import INSTALLATION_ID_BYTES, RepositoryService
from appliance.state import InstallationStore, JournalStore, RunFilter, RunStore

_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class InstallationView:
    """This appliance's id, and whose engine has started last under it.

    `is_disputed`: two appliances have used the id, none starts until a person has decided.
    """

    installation: InstallationId
    is_disputed: bool
    newest_start: EngineStart | None


class InstallationService:
    """Shows and settles who this appliance is; `engine_lock` is held while the id changes hands."""

    def __init__(
        self,
        repositories: RepositoryService,
        installation: InstallationStore,
        runs: RunStore,
        journal: JournalStore,
        engine_lock: Callable[[], AbstractContextManager[None]],
        clock: Clock,
    ) -> None:
        self._repositories = repositories
        self._installation = installation
        self._runs = runs
        self._journal = journal
        self._engine_lock = engine_lock
        self._clock = clock

    def view(self) -> InstallationView:
        """Who this appliance is.

        Raises:
            RepositoryNotFoundError: it was never initialised.
        """
        newest = self._repositories.sole_engine().newest()
        is_disputed = newest is not None and newest.is_disputed
        return InstallationView(self._repositories.installation(), is_disputed, newest)

    def claim(self) -> InstallationView:
        """Take the id for this appliance alone, by a person's word that no other one uses it.

        Raises:
            EngineRunningError: this appliance's engine runs.
        """
        with self._engine_lock():
            self._repositories.sole_engine().claim()
        return self.view()

    def renew(self, random_hex: Callable[[int], str]) -> InstallationView:
        """Make this appliance another one than that which it was copied from.

        What the copy holds of the other one's runs is none of its business: they end as failed here, and
        nothing in vCenter is touched. Points stay everybody's.

        Raises:
            EngineRunningError: this appliance's engine runs.
        """
        renewed = InstallationId(random_hex(INSTALLATION_ID_BYTES))
        with self._engine_lock():
            self._repositories.installation()
            self._forget_work_of_the_other()
            register_installation(self._repositories.open(), renewed)
            self._installation.adopt(renewed)
            self._installation.note_start(0, "")
        return self.view()

    def _forget_work_of_the_other(self) -> None:
        """Before the id changes: with the new id, nothing here would know whose marks they are."""
        now = self._clock.now()
        for entry in self._journal.open_entries():
            self._journal.close(entry.number, now)
        error = DuplicateInstallationError("the run belongs to the appliance that this one was copied from")
        failure = RunFailure(error.code, str(error), error.remedy, error.exit_status)
        for run in self._runs.list(RunFilter(states=ACTIVE_STATES, limit=_ALL)):
            if run.state is RunState.RUNNING:
                self._runs.interrupt(run)
            self._runs.end_with(self._runs.find(run.id), RunState.FAILED, failure, now)

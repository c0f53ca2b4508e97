"""The repository of this appliance: make or take over, open, check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.clock import Clock
from appliance.model.identifiers import InstallationId, RepositoryId
from appliance.model.requests import CheckRequest
from appliance.model.runs import RunKind
from appliance.repository.engine_starts import HostFacts
from appliance.repository.errors import RepositoryExistsError
from appliance.repository.layout import IDENTITY_KEY
from appliance.repository.repository import (
    Repository,
    initialise_repository,
    installations,
    open_repository,
    register_installation,
)
from appliance.run_context import SoleEngine
from appliance.services.protected_places import warnings_about
from appliance.services.run_queue import RunQueue
from appliance.state import (
    DEFAULT_REPOSITORY,
    InstallationStore,
    RepositoryNameTakenError,
    RepositoryNotFoundError,
    RepositoryStore,
    RequestedRun,
    StoredRepository,
)
from appliance.storage import FileSystemStore

INSTALLATION_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class InitialisedRepository:
    """What `init` has found or made; `created` when the folder was empty before."""

    location: str
    repository: RepositoryId
    installation: InstallationId
    created: bool
    warnings: tuple[str, ...]


class RepositoryService:
    """The one repository of this appliance."""

    def __init__(
        self,
        repositories: RepositoryStore,
        installation: InstallationStore,
        queue: RunQueue,
        clock: Clock,
        random_hex: Callable[[int], str],
        host: HostFacts,
    ) -> None:
        self._repositories = repositories
        self._installation = installation
        self._queue = queue
        self._clock = clock
        self._random_hex = random_hex
        self._host = host

    def initialise(self, folder: Path, state_folder: Path) -> InitialisedRepository:
        """Make an empty folder a repository, or take over the one that lies there.

        A repository that one appliance has written to gives this one its installation id, if this one
        has none yet: an appliance that was lost goes on as itself (rule 9).

        Raises:
            RepositoryNameTakenError: this appliance has a repository elsewhere.
            RepositoryMissingError: the folder is not there: it is never created, as it may be a mount.
            FolderNotEmptyError: it holds something else.
        """
        location = folder.expanduser().resolve()
        self._refuse_second(location)
        store = FileSystemStore(location)
        try:
            repository, created = initialise_repository(store, self._clock), True
        except RepositoryExistsError:
            repository, created = open_repository(store), False
        installation = self._installation_for(repository)
        register_installation(repository, installation)
        self._repositories.add(StoredRepository(DEFAULT_REPOSITORY, str(location)))
        warnings = (*warnings_about(location, state_folder), *self._taken_over(repository, installation))
        return InitialisedRepository(
            str(location), repository.identity.repository, installation, created, warnings
        )

    def open(self) -> Repository:
        """The repository.

        Raises:
            RepositoryNotFoundError: this appliance has none yet.
            RepositoryError: the folder is away, not ours, newer, or may not be read.
        """
        return open_repository(FileSystemStore(self.location(), IDENTITY_KEY))

    def location(self) -> Path:
        """The repository's folder.

        Raises:
            RepositoryNotFoundError: this appliance has none yet.
        """
        return Path(self._repositories.find().location)

    def known_location(self) -> str:
        """The repository's folder, or nothing where this appliance has none yet."""
        return next((known.location for known in self._repositories.list()), "")

    def installation(self) -> InstallationId:
        """Who this appliance is.

        Raises:
            RepositoryNotFoundError: it was never initialised.
        """
        found = self._installation.find()
        if found is None:
            raise RepositoryNotFoundError("this appliance has no installation id yet")
        return found

    def sole_engine(self) -> SoleEngine:
        """What makes sure that nobody else acts as this installation.

        Raises:
            RepositoryNotFoundError: this appliance was never initialised.
            RepositoryError: the repository is away, not ours, newer, or may not be read.
        """
        return self._sole_engine(self.open(), self.installation())

    def request_check(self, *, read_data: bool) -> RequestedRun:
        """Queue a run that looks at every object that a point needs; with `read_data` it reads them all.

        Raises:
            RepositoryError: the repository is away, not ours, or newer; nothing was queued.
        """
        self.open()
        location = str(self.location())
        return self._queue.request(
            RunKind.CHECK_REPOSITORY, location, "repository", CheckRequest(read_data=read_data)
        )

    def _refuse_second(self, location: Path) -> None:
        for known in self._repositories.list():
            if known.location != str(location):
                raise RepositoryNameTakenError(f"this appliance's repository is {known.location}")

    def _sole_engine(self, repository: Repository, installation: InstallationId) -> SoleEngine:
        return SoleEngine(
            repository.store, installation, self._installation, self._host, self._clock, self._random_hex
        )

    def _taken_over(self, repository: Repository, installation: InstallationId) -> tuple[str, ...]:
        """Be the one from now on where this appliance has just become what another one was."""
        sole_engine = self._sole_engine(repository, installation)
        before = sole_engine.newest()
        number, _ = self._installation.last_start()
        if before is None or number:
            return ()
        sole_engine.claim()
        host = before.host.name or "an unnamed host"
        warning = f"this appliance is now installation {installation}, as was the one on {host}: "
        return (warning + "if that one still runs, it will refuse to",)

    def _installation_for(self, repository: Repository) -> InstallationId:
        known = installations(repository)
        own = InstallationId(self._random_hex(INSTALLATION_ID_BYTES))
        return self._installation.find_or_create(known[0] if len(known) == 1 else own)

"""Where this appliance's repositories lie."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select

from appliance.state.database import Database
from appliance.state.errors import RepositoryNameTakenError, RepositoryNotFoundError
from appliance.state.tables import RepositoryRow

DEFAULT_REPOSITORY = "default"


@dataclass(frozen=True, slots=True)
class StoredRepository:
    """One repository; `location` is the absolute path of its folder."""

    name: str
    location: str


class RepositoryStore:
    """The repositories by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, repository: StoredRepository) -> None:
        """Remember one.

        Raises:
            RepositoryNameTakenError: the name is taken, by another location.
        """
        with self._database.writing() as session:
            row = session.get(RepositoryRow, repository.name)
            if row is None:
                session.execute(
                    insert(RepositoryRow).values(name=repository.name, location=repository.location)
                )
            elif row.location != repository.location:
                raise RepositoryNameTakenError(
                    f"repository {repository.name} lies at {row.location}, not at {repository.location}"
                )

    def find(self, name: str = DEFAULT_REPOSITORY) -> StoredRepository:
        """The one with this name.

        Raises:
            RepositoryNotFoundError: there is none.
        """
        with self._database.reading() as session:
            row = session.get(RepositoryRow, name)
            if row is None:
                raise RepositoryNotFoundError(f"this appliance has no repository named {name}")
            return StoredRepository(row.name, row.location)

    def list(self) -> list[StoredRepository]:
        """All of them, by name."""
        with self._database.reading() as session:
            rows = session.scalars(select(RepositoryRow).order_by(RepositoryRow.name))
            return [StoredRepository(row.name, row.location) for row in rows]

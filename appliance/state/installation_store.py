"""Who this appliance is."""

from __future__ import annotations

from sqlalchemy import insert, select, update

from appliance.model.identifiers import InstallationId
from appliance.state.database import Database
from appliance.state.tables import InstallationRow


class InstallationStore:
    """The one row with the installation's id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self) -> InstallationId | None:
        """The id, or None before the first `keepline init`."""
        with self._database.reading() as session:
            found = session.scalar(select(InstallationRow.installation_id))
        return None if found is None else InstallationId(found)

    def find_or_create(self, proposed: InstallationId) -> InstallationId:
        """The id; `proposed` becomes it where there is none yet."""
        with self._database.writing() as session:
            found = session.scalar(select(InstallationRow.installation_id))
            if found is None:
                session.execute(insert(InstallationRow).values(number=1, installation_id=proposed))
        return InstallationId(found or proposed)

    def last_start(self) -> tuple[int, str]:
        """Number and token of the newest start of this appliance's engine: 0 and nothing before the first."""
        with self._database.reading() as session:
            row = session.scalar(select(InstallationRow))
        return (0, "") if row is None else (row.start_number, row.start_token)

    def note_start(self, number: int, token: str) -> None:
        """Remember a start before it is told to anybody."""
        with self._database.writing() as session:
            session.execute(update(InstallationRow).values(start_number=number, start_token=token))

    def adopt(self, installation: InstallationId) -> None:
        """Become the installation that a repository names (rule 9: its id is kept there)."""
        self.find_or_create(installation)
        with self._database.writing() as session:
            session.execute(update(InstallationRow).values(installation_id=installation))

"""Taking a state database forward with Alembic; loaded only when there is something to do."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from appliance.state.errors import DatabaseNewerError

MIGRATIONS = Path(__file__).parent / "migrations"


def configuration() -> Config:
    """Alembic's configuration: nothing but where the migrations lie."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def upgrade(connection: Connection, name: str) -> None:
    """Apply every migration that the database has not seen, in the caller's transaction.

    Raises:
        DatabaseNewerError: it has seen one that this version does not know.
    """
    made = configuration()
    made.attributes["connection"] = connection
    try:
        command.upgrade(made, "head")
    except CommandError as error:
        raise DatabaseNewerError(f"{name} was written by a newer Keepline: {error}") from error

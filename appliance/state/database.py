"""Opening the state database, and the two ways to use it: reading and writing.

SQLite in WAL mode. A transaction that reads and then writes must hold the write lock from its start:
otherwise two of them read the same value and one update is lost without any error (measured). So every
writing transaction begins with BEGIN IMMEDIATE, and the driver's own implicit BEGIN is switched off.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from appliance.state.errors import (
    DatabaseBusyError,
    DatabaseDamagedError,
    DatabaseFullError,
    DatabaseReadOnlyError,
    DatabaseUnusableError,
)
from appliance.state.tables import SCHEMA_VERSION

logger = logging.getLogger(__name__)

DATABASE_FILE = "keepline.sqlite"
BUSY_TIMEOUT_SECONDS = 15.0

_ERROR_CLASSES: dict[int, type[DatabaseUnusableError]] = {
    sqlite3.SQLITE_BUSY: DatabaseBusyError,
    sqlite3.SQLITE_LOCKED: DatabaseBusyError,
    sqlite3.SQLITE_READONLY: DatabaseReadOnlyError,
    sqlite3.SQLITE_FULL: DatabaseFullError,
    sqlite3.SQLITE_NOTADB: DatabaseDamagedError,
    sqlite3.SQLITE_CORRUPT: DatabaseDamagedError,
}
_PRIMARY_CODE_MASK = (
    0xFF  # extended result codes keep the primary one in the low byte (sqlite.org/rescode.html)
)


class Database:
    """The open state database; may be used from any thread, each transaction in one.

    Whoever writes waits for another writer until SQLite gives up, in each of so many `tries`.
    """

    def __init__(self, engine: Engine, name: str, tries: int = 1) -> None:
        self._reading_engine = engine
        self._writing_engine = engine.execution_options(immediate=True)
        self._name = name
        self._tries = tries

    def patient(self, tries: int) -> Database:
        """The same database for those who lose more by giving up than by waiting; they say that they wait."""
        return Database(self._reading_engine, self._name, tries)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent view; nothing written in it is kept."""
        with self._translated(), Session(self._reading_engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that holds the write lock from its start and is committed at its end.

        Raises:
            DatabaseUnusableError: or one of its kinds; nothing was changed.
        """
        with self._translated(), ExitStack() as stack:
            yield self._begun(stack)

    def migrate(self) -> None:
        """Bring the tables to this version's form; waits for another process that does the same.

        Raises:
            DatabaseNewerError: a newer Keepline wrote the database.
        """
        with self._translated(), self._reading_engine.begin() as connection:
            if _version_of(connection) == SCHEMA_VERSION:
                return
        # Loading Alembic takes longer than most commands; it is needed once in a version's life.
        from appliance.state.migration import upgrade  # noqa: PLC0415 - see above

        with self._translated(), self._writing_engine.begin() as connection:
            upgrade(connection, self._name)

    def close(self) -> None:
        """Give the file back."""
        self._reading_engine.dispose()

    def _begun(self, stack: ExitStack) -> Session:
        """A session whose transaction holds the write lock; `stack` ends both."""
        for remaining in reversed(range(self._tries)):
            with ExitStack() as attempt:
                session = attempt.enter_context(Session(self._writing_engine, expire_on_commit=False))
                attempt.enter_context(session.begin())
                try:
                    session.connection()  # takes the write lock now, before the caller decides anything
                except OperationalError as error:
                    if not _is_busy(error) or not remaining:
                        raise
                    logger.warning("state database %s is held by somebody else: waiting", self._name)
                    continue
                stack.push(attempt.pop_all())
                return session
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise _translate(error, self._name) from error


@contextmanager
def open_database(folder: Path, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> Iterator[Database]:
    """The state database in `folder`, made or migrated where needed.

    Raises:
        DatabaseUnusableError: or one of its kinds: what is wrong with the file.
    """
    path = folder / DATABASE_FILE
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": busy_timeout_seconds})
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin_transaction)
    database = Database(engine, str(path))
    try:
        database.migrate()
        yield database
    finally:
        database.close()


def _prepare_connection(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a journal entry must survive the power cut it is for
    connection.execute("PRAGMA foreign_keys = ON")


def _version_of(connection: Connection) -> str | None:
    """Which migration came last, or None in a new database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return version


def _begin_transaction(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _translate(error: DBAPIError, name: str) -> DatabaseUnusableError:
    return _class_of(error)(f"state database {name}: {error.orig}")


def _is_busy(error: DBAPIError) -> bool:
    return _class_of(error) is DatabaseBusyError


def _class_of(error: DBAPIError) -> type[DatabaseUnusableError]:
    code = getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY_CODE_MASK
    return _ERROR_CLASSES.get(code, DatabaseUnusableError)

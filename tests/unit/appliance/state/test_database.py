from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from appliance.model.identifiers import InstallationId
from appliance.state import (
    Database,
    DatabaseBusyError,
    DatabaseDamagedError,
    DatabaseFullError,
    DatabaseNewerError,
    DatabaseReadOnlyError,
    DatabaseUnusableError,
    InstallationStore,
    open_database,
)
from appliance.state.database import DATABASE_FILE
from appliance.state.migration import configuration
from appliance.state.tables import SCHEMA_VERSION, Base
from tests.waiting import wait_until


def test_migrations_make_the_tables_the_code_uses(database: Database) -> None:
    with database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_code_names_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(configuration()).get_heads() == [SCHEMA_VERSION]


def test_opening_again_keeps_what_was_written(tmp_path: Path) -> None:
    with open_database(tmp_path) as database:
        InstallationStore(database).adopt(InstallationId("a"))
    with open_database(tmp_path) as database:
        assert InstallationStore(database).find() == "a"


def test_it_is_in_wal_mode_and_syncs_every_commit(database: Database) -> None:
    with database.reading() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA synchronous")) == 2
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_two_writers_that_read_first_lose_no_update(database: Database) -> None:
    with database.writing() as session:
        session.execute(text("CREATE TABLE counter (value INTEGER)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))

    def add_often() -> None:
        for _ in range(25):
            with database.writing() as session:
                value = session.scalar(text("SELECT value FROM counter"))
                session.execute(text("UPDATE counter SET value = :value"), {"value": value + 1})

    threads = [threading.Thread(target=add_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.scalar(text("SELECT value FROM counter")) == 100


def test_a_writer_that_fails_changes_nothing(database: Database) -> None:
    def write_and_fail() -> None:
        with database.writing() as session:
            session.execute(text("INSERT INTO installation (number, installation_id) VALUES (1, 'a')"))
            raise RuntimeError("between two statements")

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert InstallationStore(database).find() is None


def test_a_database_that_another_process_writes_is_busy_for_writers_only(tmp_path: Path) -> None:
    with open_database(tmp_path):
        pass
    with (
        closing(sqlite3.connect(tmp_path / DATABASE_FILE, isolation_level=None)) as other,
        open_database(tmp_path, busy_timeout_seconds=0.01) as database,
    ):
        other.execute("BEGIN IMMEDIATE")
        store = InstallationStore(database)
        assert store.find() is None
        with pytest.raises(DatabaseBusyError, match=DATABASE_FILE):
            store.adopt(InstallationId("a"))


def test_who_is_patient_waits_for_another_writer_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / DATABASE_FILE
    with (
        open_database(tmp_path, busy_timeout_seconds=0.01) as database,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("BEGIN IMMEDIATE")
        patient = InstallationStore(database.patient(1_000_000))
        waiting = pool.submit(patient.adopt, InstallationId("a"))
        wait_until(lambda: "held by somebody else: waiting" in caplog.text)
        with pytest.raises(DatabaseBusyError):
            InstallationStore(database).adopt(InstallationId("b"))
        other.execute("ROLLBACK")
        waiting.result()
        assert patient.find() == "a"


def test_patience_ends(tmp_path: Path) -> None:
    with (
        open_database(tmp_path, busy_timeout_seconds=0.01) as database,
        closing(sqlite3.connect(tmp_path / DATABASE_FILE, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusyError):
            InstallationStore(database.patient(3)).adopt(InstallationId("a"))


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).write_bytes(b"something else" * 1000)
    with pytest.raises(DatabaseDamagedError), open_database(tmp_path):
        pass


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with open_database(tmp_path) as database, database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseNewerError), open_database(tmp_path):
        pass


def test_a_folder_that_does_not_exist_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusableError, match="nowhere"), open_database(tmp_path / "nowhere"):
        pass


def test_a_full_database_says_so_and_keeps_what_it_had(database: Database) -> None:
    store = InstallationStore(database)
    store.adopt(InstallationId("a"))
    with database.reading() as session:
        pages = session.scalar(text("PRAGMA page_count"))

    def write_too_much() -> None:
        with database.writing() as session:
            session.execute(text(f"PRAGMA max_page_count = {pages}"))
            session.execute(
                text("UPDATE installation SET installation_id = :long"), {"long": "x" * 1_000_000}
            )

    with pytest.raises(DatabaseFullError):
        write_too_much()
    assert store.find() == "a"


def test_a_read_only_database_says_so(database: Database) -> None:
    # Permission bits do not stop root, who may run the tests; this refusal has the same code.
    def write() -> None:
        with database.writing() as session:
            session.execute(text("PRAGMA query_only = 1"))
            session.execute(text("INSERT INTO installation (number, installation_id) VALUES (1, 'a')"))

    with pytest.raises(DatabaseReadOnlyError, match="readonly"):
        write()

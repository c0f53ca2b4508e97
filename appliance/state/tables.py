"""The tables. Whoever changes one adds a migration in the same commit (a test compares the two)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Dialect, ForeignKey, Index, MetaData, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = "0005"
"""The newest migration: what a database of this version says it has."""


class UtcText(TypeDecorator[datetime]):
    """A moment as ISO 8601 text in UTC with microseconds: sorts as text, and keeps its time zone."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To the database."""
        del dialect
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        del dialect
        return None if value is None else datetime.fromisoformat(value)


class Base(DeclarativeBase):
    """What all tables share: names for constraints, so that a migration can address them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class InstallationRow(Base):
    """Exactly one row: who this appliance is."""

    __tablename__ = "installation"

    number: Mapped[int] = mapped_column(primary_key=True)
    installation_id: Mapped[str]
    start_number: Mapped[int] = mapped_column(default=0, server_default="0")
    start_token: Mapped[str] = mapped_column(default="", server_default="")


class VcenterRow(Base):
    """One vCenter; the password is sealed with the appliance's key (rule 14)."""

    __tablename__ = "vcenters"

    name: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    port: Mapped[int]
    user: Mapped[str]
    sealed_password: Mapped[bytes]
    thumbprint: Mapped[str]


class RepositoryRow(Base):
    """Where a repository lies; everything else about it is in the repository."""

    __tablename__ = "repositories"

    name: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str]


ACTIVE_BACKUP = "kind = 'backup' AND state IN ('queued', 'running', 'interrupted')"


class RunRow(Base):
    """One run; `request`, `progress` and `result` are JSON documents.

    `retry_of` is unique: a failed run is repeated once, whoever decides it and however often. It is no
    foreign key, because SQLite cannot add one to a table that is there.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_state_requested_at", "state", "requested_at"),
        Index("uq_runs_retry_of", "retry_of", unique=True),
        Index(
            "uq_runs_active_backup",
            "subject",
            unique=True,
            sqlite_where=text(ACTIVE_BACKUP),
            postgresql_where=text(ACTIVE_BACKUP),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    subject_name: Mapped[str]
    state: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(UtcText)
    request: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime | None] = mapped_column(UtcText)
    ended_at: Mapped[datetime | None] = mapped_column(UtcText, index=True)
    phase: Mapped[str] = mapped_column(default="")
    attempt: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    failure: Mapped[str | None] = mapped_column(Text)
    result: Mapped[str | None] = mapped_column(Text)
    progress: Mapped[str | None] = mapped_column(Text)
    vcenter: Mapped[str] = mapped_column(default="")
    host: Mapped[str] = mapped_column(default="")
    retry_of: Mapped[str | None]
    retry_number: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None] = mapped_column(UtcText)


class RunLogRow(Base):
    """One line of a run's log."""

    __tablename__ = "run_log"

    number: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcText)
    warning: Mapped[bool]
    text: Mapped[str] = mapped_column(Text)


class JournalRow(Base):
    """Something made in vCenter, written before the call that makes it (rule 9)."""

    __tablename__ = "journal"
    __table_args__ = (Index("ix_journal_open", "number", sqlite_where=text("closed_at IS NULL")),)

    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    vcenter: Mapped[str]
    machine: Mapped[str]
    marker: Mapped[str]
    details: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(UtcText)
    closed_at: Mapped[datetime | None] = mapped_column(UtcText)


class PolicyRow(Base):
    """One policy; the document is the policy itself, as JSON."""

    __tablename__ = "policies"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    document: Mapped[str] = mapped_column(Text)


class FiringRow(Base):
    """A due time that has been settled: its key is the reason why it is settled once only."""

    __tablename__ = "firings"

    due_key: Mapped[str] = mapped_column(primary_key=True)
    policy_id: Mapped[str] = mapped_column(ForeignKey("policies.id"), index=True)
    due_at: Mapped[datetime] = mapped_column(UtcText)
    fired_at: Mapped[datetime] = mapped_column(UtcText)


class FiredRunRow(Base):
    """The run that backs up a machine for a due time; several due times may share one run."""

    __tablename__ = "fired_runs"

    due_key: Mapped[str] = mapped_column(ForeignKey("firings.due_key"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)


class NotifierRow(Base):
    """At most one row: where messages go; the secret is sealed with the appliance's key (rule 14).

    `document` is the notifier of this kind, as JSON.
    """

    __tablename__ = "notifier"

    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    document: Mapped[str] = mapped_column(Text)
    sealed_secret: Mapped[bytes | None]
    since: Mapped[datetime] = mapped_column(UtcText)


class NoticeRow(Base):
    """A message that was decided on: its key is the reason why nothing is told twice.

    `policy_id` is no foreign key: what was told stays told when its policy goes.
    """

    __tablename__ = "notices"

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    policy_id: Mapped[str | None] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(UtcText)
    document: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(UtcText)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcText)
    settled_at: Mapped[datetime | None] = mapped_column(UtcText)
    failing_since: Mapped[datetime | None] = mapped_column(UtcText)
    failure: Mapped[str | None] = mapped_column(Text)

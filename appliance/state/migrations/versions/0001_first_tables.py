"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ACTIVE_BACKUP = sa.text("kind = 'backup' AND state IN ('queued', 'running', 'interrupted')")


def upgrade() -> None:
    """Make them."""
    _make_appliance_tables()
    _make_run_table()
    _make_run_log()
    _make_journal()


def _make_appliance_tables() -> None:
    op.create_table(
        "installation",
        sa.Column("number", sa.Integer(), primary_key=True, nullable=False),
        sa.Column("installation_id", sa.String(), nullable=False),
    )
    op.create_table(
        "vcenters",
        sa.Column("name", sa.String(), primary_key=True, nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("sealed_password", sa.LargeBinary(), nullable=False),
        sa.Column("thumbprint", sa.String(), nullable=False),
    )
    op.create_table(
        "repositories",
        sa.Column("name", sa.String(), primary_key=True, nullable=False),
        sa.Column("location", sa.String(), nullable=False),
    )


def _make_run_table() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), primary_key=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("requested_at", sa.String(32), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("started_at", sa.String(32)),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text()),
        sa.Column("result", sa.Text()),
        sa.Column("progress", sa.Text()),
    )
    op.create_index("ix_runs_subject", "runs", ["subject"])
    op.create_index("ix_runs_state_requested_at", "runs", ["state", "requested_at"])
    op.create_index(
        "uq_runs_active_backup",
        "runs",
        ["subject"],
        unique=True,
        sqlite_where=ACTIVE_BACKUP,
        postgresql_where=ACTIVE_BACKUP,
    )


def _make_run_log() -> None:
    op.create_table(
        "run_log",
        sa.Column("number", sa.Integer(), primary_key=True, nullable=False),
        sa.Column("run_id", sa.String(), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("warning", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
    )
    op.create_index("ix_run_log_run_id", "run_log", ["run_id"])


def _make_journal() -> None:
    op.create_table(
        "journal",
        sa.Column("number", sa.Integer(), primary_key=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("vcenter", sa.String(), nullable=False),
        sa.Column("machine", sa.String(), nullable=False),
        sa.Column("marker", sa.String(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.String(32), nullable=False),
        sa.Column("closed_at", sa.String(32)),
    )
    op.create_index("ix_journal_run_id", "journal", ["run_id"])
    op.create_index("ix_journal_open", "journal", ["number"], sqlite_where=sa.text("closed_at IS NULL"))

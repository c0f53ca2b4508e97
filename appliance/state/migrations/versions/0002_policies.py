"""Policies, and which of their due times have been settled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "policies",
        sa.Column("id", sa.String(), primary_key=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.UniqueConstraint("name", name="uq_policies_name"),
    )
    op.create_table(
        "firings",
        sa.Column("due_key", sa.String(), primary_key=True, nullable=False),
        sa.Column("policy_id", sa.String(), sa.ForeignKey("policies.id"), nullable=False),
        sa.Column("due_at", sa.String(32), nullable=False),
        sa.Column("fired_at", sa.String(32), nullable=False),
    )
    op.create_index("ix_firings_policy_id", "firings", ["policy_id"])
    op.create_table(
        "fired_runs",
        sa.Column("due_key", sa.String(), sa.ForeignKey("firings.due_key"), primary_key=True, nullable=False),
        sa.Column("subject", sa.String(), primary_key=True, nullable=False),
        sa.Column("run_id", sa.String(), sa.ForeignKey("runs.id"), nullable=False),
    )
    op.create_index("ix_fired_runs_run_id", "fired_runs", ["run_id"])

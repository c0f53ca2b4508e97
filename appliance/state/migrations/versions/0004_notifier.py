"""The notifier, and what it has told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and an index for whoever asks what has ended lately."""
    op.create_table(
        "notifier",
        sa.Column("number", sa.Integer(), primary_key=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("since", sa.String(32), nullable=False),
    )
    op.create_table(
        "notices",
        sa.Column("key", sa.String(), primary_key=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("policy_id", sa.String(), nullable=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.String(32), nullable=False),
        sa.Column("claimed_until", sa.String(32), nullable=True),
        sa.Column("settled_at", sa.String(32), nullable=True),
        sa.Column("failing_since", sa.String(32), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
    )
    op.create_index("ix_notices_state", "notices", ["state"])
    op.create_index("ix_notices_policy_id", "notices", ["policy_id"])
    op.create_index("ix_runs_ended_at", "runs", ["ended_at"])

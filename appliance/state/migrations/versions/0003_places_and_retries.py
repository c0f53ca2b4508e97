"""Where a run works, and which failed run it repeats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of runs that are there already, nobody knows where they work."""
    for place in ("vcenter", "host"):
        op.add_column("runs", sa.Column(place, sa.String(), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("retry_of", sa.String()))
    op.add_column("runs", sa.Column("retry_number", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("not_before", sa.String(32)))
    op.create_index("uq_runs_retry_of", "runs", ["retry_of"], unique=True)

"""Which start of its own engine an appliance remembers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns; an appliance that was made before has not told of any start."""
    op.add_column("installation", sa.Column("start_number", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("installation", sa.Column("start_token", sa.String(), nullable=False, server_default=""))

"""What Alembic runs for every migration: on the connection that `Database.migrate` opened, never its own."""

from __future__ import annotations

from alembic import context

from appliance.state.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()

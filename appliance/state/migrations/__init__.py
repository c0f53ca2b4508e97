"""Migrations, run by Alembic when the database is opened."""

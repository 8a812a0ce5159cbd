"""Alembic environment, driven by registry.database.upgrade and never by a command line of its own."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

connection = context.config.attributes["connection"]
assert isinstance(connection, Connection), "registry.database.upgrade passes its connection"
# No target_metadata: a migration bears the names that it spells, not those of today's naming convention.
context.configure(connection=connection, version_table="version_schema")
with context.begin_transaction():
    context.run_migrations()

"""Alembic environment, driven by registry.database.upgrade and never by a command line of its own."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from registry.tables import METADATA

connection = context.config.attributes["connection"]
assert isinstance(connection, Connection), "registry.database.upgrade passes its connection"
context.configure(connection=connection, target_metadata=METADATA, version_table="version_schema")
with context.begin_transaction():
    context.run_migrations()

"""Whom to write to about a guichet, and how long it may be silent."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Table, Text

from registry.tables import METADATA

CONTACT_GUICHET: Final = Table(
    "contact_guichet",
    METADATA,
    # No row for a guichet that has neither.
    Column("guichet", Text, ForeignKey("guichet.code"), primary_key=True),
    # Mail address of the people who look after its software, or empty.
    Column("technique", Text, nullable=False),
    # Hours of working time that it may be silent; 0: as long as it likes; null: as the configuration says.
    Column("silence", Integer, CheckConstraint("silence >= 0", name="silence")),
)

"""The tables of the filters."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Integer, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from registry.tables import INSTANT, METADATA

FILTRE: Final = Table(
    "filtre",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("guichet", Text, ForeignKey("guichet.code"), nullable=False),
    Column("nom", Text, nullable=False),
    UniqueConstraint("guichet", "nom"),
)

FILTRE_VERSION: Final = Table(
    "filtre_version",
    METADATA,
    # A version is never edited. In force at an instant: the greatest one whose effet_le is not after it.
    Column("filtre", BigInteger, ForeignKey("filtre.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    # Conditions (filters.language.conditions_to_json), or null: from this version on the filter is withdrawn.
    Column("conditions", JSONB(none_as_null=True)),
    Column("effet_le", INSTANT, nullable=False),
    Column("cree_le", INSTANT, nullable=False),
    # Value of the generation 'filtres' that this version brought: a decision that used generation g knew all
    # the versions up to g and none after.
    Column("generation", BigInteger, nullable=False),
)

FILTRE_BROUILLON: Final = Table(
    "filtre_brouillon",
    METADATA,
    # A filter that its guichet is still writing: no effect, no version; the same form of conditions.
    Column("guichet", Text, ForeignKey("guichet.code"), primary_key=True),
    Column("nom", Text, primary_key=True),
    Column("conditions", JSONB, nullable=False),
    Column("maj_le", INSTANT, nullable=False),
)

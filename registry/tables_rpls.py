"""The directory of social dwellings (RPLS), as imported (docs/specification/41-rpls.md)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Integer, SmallInteger, Table, Text

from registry.tables import INSTANT, METADATA

LOGEMENT_RPLS: Final = Table(
    "logement_rpls",
    METADATA,
    # The identifier that the administration gave: 10 positions.
    Column("numero", Text, CheckConstraint("char_length(numero) = 10", name="numero"), primary_key=True),
    # The bailleur's own identifier, and the SIREN of the owner (9 digits).
    Column("interne", Text, nullable=False),
    Column("siren", Text, nullable=False),
    Column("commune", Text, nullable=False),
    # Parts of the address, each as long as its element of attributionLogement/adresse; empty when unknown.
    Column("code_postal", Text, nullable=False),
    Column("numero_voie", Text, nullable=False),
    Column("voie", Text, nullable=False),
    Column("complement", Text, nullable=False),
    Column("batiment", Text, nullable=False),
    Column("escalier", Text, nullable=False),
    Column("etage", Text, nullable=False),
    Column("appartement", Text, nullable=False),
    # Codes of the arrêté of 5 January 2010: ZUS 1 or 2, construction I or C, occupancy 1-5 or 9,
    # contingent 1-7; empty when unknown.
    Column("zus", Text, nullable=False),
    Column("construction", Text, nullable=False),
    Column("occupation", Text, nullable=False),
    Column("contingent", Text, nullable=False),
    # Main rooms; habitable surface in square metres; principal rent in euros a month, null when unknown.
    Column("pieces", SmallInteger, nullable=False),
    Column("surface", Integer),
    Column("loyer", Integer),
    Column("annee", SmallInteger),
    # When the line last changed.
    Column("maj_le", INSTANT, nullable=False),
    # Does the directory know this bailleur: WHERE siren = ANY(…).
    Index("logement_rpls_siren_ix", "siren"),
)

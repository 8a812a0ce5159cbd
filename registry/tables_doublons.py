"""What the gestionnaire decided on doublons: merged, or set aside as two different persons."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Date, Index, Table, Text

from registry.tables import INSTANT, METADATA

FUSION: Final = Table(
    "fusion",
    METADATA,
    # The demande that was radiated, and the one that goes on: numbers.
    Column("absorbee", Text, primary_key=True),
    Column("conservee", Text, nullable=False),
    # Seniority kept: the older of the two deposits.
    Column("date_anciennete", Date, nullable=False),
    # The gestionnaire, as the command line was told.
    Column("auteur", Text, nullable=False),
    Column("motif", Text, nullable=False),
    Column("fusionnee_le", INSTANT, nullable=False),
    # What a demande has absorbed.
    Index("fusion_conservee_ix", "conservee"),
)

DOUBLON_ECARTE: Final = Table(
    "doublon_ecarte",
    METADATA,
    # Two numbers, the smaller first, that look alike and are of different persons.
    Column("premiere", Text, primary_key=True),
    Column("seconde", Text, primary_key=True),
    Column("auteur", Text, nullable=False),
    Column("motif", Text, nullable=False),
    Column("ecarte_le", INSTANT, nullable=False),
)

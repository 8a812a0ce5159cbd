"""The reference tables that the attestation cites (regles §4, items b, e and g).

Each is replaced whole, or for one territory, by an import (registry/references_import.py): what an
attestation said at a date is in the attestation, not here.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Date, ForeignKey, Integer, Table, Text

from registry.tables import METADATA

COORDONNEES: Final = Table(
    "coordonnees",
    METADATA,
    # How an applicant reaches a guichet: one line of address a line of text.
    Column("guichet", Text, ForeignKey("guichet.code"), primary_key=True),
    Column("adresse", Text, nullable=False),
    Column("telephone", Text, nullable=False),
    Column("mel", Text, nullable=False),
)

BAILLEUR_COMMUNE: Final = Table(
    "bailleur_commune",
    METADATA,
    # Who owns social housing where. commune: INSEE code; siren: 9 digits.
    Column("commune", Text, primary_key=True),
    Column("siren", Text, primary_key=True),
    Column("nom", Text, nullable=False),
)

COMMISSION_MEDIATION: Final = Table(
    "commission_mediation",
    METADATA,
    # One commission a département (code of 2 or 3 characters).
    Column("departement", Text, primary_key=True),
    Column("nom", Text, nullable=False),
    Column("adresse", Text, nullable=False),
)

DELAI_ANORMAL: Final = Table(
    "delai_anormal",
    METADATA,
    # The délai anormalement long that a préfet has set (regles §8).
    Column("territoire", Text, primary_key=True),
    # INSEE code of a commune, SIREN of an EPCI, code of a département, or '' for the whole territory.
    Column("zone", Text, primary_key=True),
    # Code of ListeTypeLogement, or '' for all of them.
    Column("typologie", Text, primary_key=True),
    # First day of the arrêté; the latest one not after a day holds on that day.
    Column("valide_du", Date, primary_key=True),
    Column("mois", Integer, nullable=False),
)

"""The table of the search, added to the MetaData of the registry.

`recherche` is a projection: it can be made again from the demandes and their events at any time
(registry/projection.py), and holds nothing that proves anything.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, Column, Date, Index, Integer, Table, Text, text

from registry.tables import METADATA

RECHERCHE: Final = Table(
    "recherche",
    METADATA,
    Column("numero", Text, primary_key=True),
    Column("territoire", Text, nullable=False),
    Column("depot", Date, nullable=False),
    Column("renouvellement", Date),
    # Null unless the demande is radiée.
    Column("radiation", Date),
    # First day on which the wait is abnormally long; null where no delay is set.
    Column("anormal_le", Date),
    # Dwellings attributed under conditions at this time, from the events.
    Column("attributions", Integer, nullable=False, server_default=text("0")),
    # What the demande can be found by, one prefixed word a criterion (registry/projection.py).
    Column("termes", ARRAY(Text), nullable=False),
    # Every criterion that compares for equality: WHERE termes @> …, and the perimeter: termes && ….
    Index("recherche_termes_ix", "termes", postgresql_using="gin"),
    # dateDepot…, within the territory of the caller.
    Index("recherche_depot_ix", "territoire", "depot"),
    # The three following stay small: most demandes are in none of them.
    Index(
        "recherche_renouvellement_ix",
        "territoire",
        "renouvellement",
        postgresql_where=text("renouvellement IS NOT NULL"),
    ),
    Index(
        "recherche_radiation_ix", "territoire", "radiation", postgresql_where=text("radiation IS NOT NULL")
    ),
    Index(
        "recherche_anormal_ix", "territoire", "anormal_le", postgresql_where=text("anormal_le IS NOT NULL")
    ),
    # estMultiplesAttributionsSousConditions.
    Index("recherche_attributions_ix", "territoire", postgresql_where=text("attributions > 1")),
)

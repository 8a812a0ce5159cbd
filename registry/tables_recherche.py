"""The tables of the search and of shared management, added to the MetaData of the registry.

`recherche` is a projection: it can be made again from the demandes and their events at any time
(registry/projection.py), and holds nothing that proves anything.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from registry.tables import INSTANT, METADATA

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
    # Each search reads all the words that wait to be sorted into the index: 4 MB by default, 8 ms of the
    # server; 128 KB keep it under half a millisecond, and a hundred demandes still share one sorting.
    Index(
        "recherche_termes_ix",
        "termes",
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": "128"},
    ),
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

EVENEMENT_PARTAGE: Final = Table(
    "evenement_partage",
    METADATA,
    # The journal entry that created it: unique, growing, and provable.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    # From 1: an event is never overwritten, each change adds a version.
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("numero", Text, nullable=False),
    Column("type", Text, nullable=False),
    # Of the type; empty for a national one.
    Column("territoire", Text, nullable=False),
    # What made this version: one of registry.evenements_partages.Action.
    Column("action", Text, nullable=False),
    Column("auteur", Text, nullable=False),
    Column("cree_le", INSTANT, nullable=False),
    Column("auteur_modification", Text),
    Column("modifie_le", INSTANT),
    Column("survenance", Date, nullable=False),
    # Free text and fields, which may be nominative: erased with the demande. champs: JSON object of texts.
    Column("commentaire", Text, nullable=False),
    Column("champs", Text, nullable=False),
    Column("sequence_journal", BigInteger, nullable=False),
    # SHA-256 of the file that made this version: the same file again changes nothing.
    Column("fichier", LargeBinary, nullable=False),
    # False once there is a later version, or when this one says that the event is removed.
    Column("courante", Boolean, nullable=False),
    # The events of a demande.
    Index("evenement_partage_numero_ix", "numero"),
)

TYPE_EVENEMENT: Final = Table(
    "type_evenement",
    METADATA,
    # The types of a territory; the national ones are data of the program (schemas/types_evenements.py).
    Column("territoire", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    # A document GPTypeEvenement that lists this one type.
    Column("definition", LargeBinary, nullable=False),
    Column("maj_le", INSTANT, nullable=False),
)

"""The tables of the weekly figures (docs/specification/43-infocentre.md): what was closed is never counted
again."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, LargeBinary, Table, Text

from registry.tables import INSTANT, METADATA

INFOCENTRE_ARRETE: Final = Table(
    "infocentre_arrete",
    METADATA,
    # ISO week of the closing, at Paris: 2026-W48.
    Column(
        "semaine", Text, CheckConstraint("semaine ~ '^[0-9]{4}-W[0-9]{2}$'", name="semaine"), primary_key=True
    ),
    Column("arrete_le", INSTANT, nullable=False),
    # Where the journal stood: the figures are those of that position, and the flows go from that of the
    # closing before (0 for the first).
    Column("depuis_sequence", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    # Empreinte of that entry.
    Column("empreinte", LargeBinary, nullable=False),
)

INFOCENTRE_LIGNE: Final = Table(
    "infocentre_ligne",
    METADATA,
    Column("semaine", Text, ForeignKey("infocentre_arrete.semaine"), primary_key=True),
    # One of registry.infocentre.Tableau.
    Column("tableau", Text, primary_key=True),
    Column("territoire", Text, primary_key=True),
    # What is counted, in the words of its table: a motive, a commune, a channel…
    Column("modalite", Text, primary_key=True),
    Column("nombre", BigInteger, nullable=False),
)

INFOCENTRE_QUALITE: Final = Table(
    "infocentre_qualite",
    METADATA,
    Column("semaine", Text, ForeignKey("infocentre_arrete.semaine"), primary_key=True),
    Column("guichet", Text, primary_key=True),
    # One of registry.qualite.INDICATEURS.
    Column("indicateur", Text, primary_key=True),
    Column("nombre", BigInteger, nullable=False),
    # Of how many it is a share; 0 for a volume.
    Column("base", BigInteger, nullable=False),
    # What one guichet became, week after week.
    Index("infocentre_qualite_guichet_ix", "guichet", "semaine"),
)

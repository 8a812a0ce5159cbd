"""The tables of the lists asked by date: new DALO and radiations (docs/specification/40-dalo.md).

Append-only but for `dalo_statut` and `releve_coupure`. Written by the registration, in its transaction, for
the few events that they concern: a batch of ordinary creations touches none of them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table, Text

from registry.tables import INSTANT, METADATA

DALO_STATUT: Final = Table(
    "dalo_statut",
    METADATA,
    # The status that the current version of a demande bears; no row when it never bore any.
    Column("numero", Text, primary_key=True),
    # Code of ListeStatutDalo, or empty when the last version bears none.
    Column("statut", Text, nullable=False),
    # Journal entry that gave it.
    Column("sequence", BigInteger, nullable=False),
)

RELEVE_DALO: Final = Table(
    "releve_dalo",
    METADATA,
    # Journal entry by which the demande became ACTIF, when it was not just before.
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("numero", Text, nullable=False),
    Column("territoire", Text, nullable=False),
    # Instant of the list: never before the cut-off of an answer already given (registry/releves.py).
    Column("vu_le", INSTANT, nullable=False),
    # The list: WHERE vu_le >= … AND vu_le < … ; and the latest row of one demande.
    Index("releve_dalo_vu_le_ix", "vu_le"),
    Index("releve_dalo_numero_ix", "numero"),
)

RELEVE_RADIATION: Final = Table(
    "releve_radiation",
    METADATA,
    # Journal entry of the radiation.
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("numero", Text, nullable=False),
    Column("territoire", Text, nullable=False),
    Column("vu_le", INSTANT, nullable=False),
    # The three criteria: ListeMotifsRadiation, ListeStatutDalo, ListeTypeReservataire; empty when not said.
    Column("motif", Text, nullable=False),
    Column("statut_dalo", Text, nullable=False),
    Column("type_reservataire", Text, nullable=False),
    Index("releve_radiation_vu_le_ix", "vu_le"),
    Index("releve_radiation_numero_ix", "numero"),
)

RELEVE_COUPURE: Final = Table(
    "releve_coupure",
    METADATA,
    # "dalo" or "radiations"; locked by who adds to the list, and by who asks for it.
    Column("nom", Text, primary_key=True),
    # Everything seen before this instant has been shown to whoever asked: nothing may be added before it.
    Column("jusqu_au", INSTANT, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

"""The trace of the readings of nominative data (docs/specification/61-traces.md)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Identity, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from registry.tables import INSTANT, METADATA

TRACE_LECTURE: Final = Table(
    "trace_lecture",
    METADATA,
    # Grows with time: the purge reads from the oldest on.
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("lue_le", INSTANT, nullable=False),
    # Empty for the operator, who has no guichet and no certificate.
    Column("guichet", Text, nullable=False),
    Column("certificat", Text, nullable=False),
    # One of registry.profils.Profil, or registry.traces.EXPLOITANT.
    Column("profil", Text, nullable=False),
    # The agent whom the message names, or the account of the operator; empty when nobody is named.
    Column("utilisateur", Text, nullable=False),
    # One of registry.echanges.Canal.
    Column("canal", Text, nullable=False),
    # The operation of the service, or the command.
    Column("operation", Text, nullable=False),
    # Null for a command, but for the one that shows the message of an exchange.
    Column("echange", Uuid),
    # The numbers of all the demandes whose data left, those of a list included.
    Column("numeros", ARRAY(Text), nullable=False),
    # French, what was asked for when it was not these demandes themselves: a guichet whole, at an instant;
    # otherwise empty.
    Column("objet", Text, nullable=False, server_default=text("''")),
    # Who read this demande.
    Index("trace_lecture_numeros_ix", "numeros", postgresql_using="gin"),
)

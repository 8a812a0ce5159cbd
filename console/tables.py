"""The tables of the console: accounts, sessions, the log of acts."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from registry.tables import INSTANT, METADATA

COMPTE: Final = Table(
    "compte",
    METADATA,
    Column("id", Uuid, primary_key=True),
    # One address, one account, for ever: in lower case.
    Column("courriel", Text, CheckConstraint("courriel = lower(courriel)", name="courriel"), nullable=False),
    Column("nom", Text, nullable=False),
    # One of console.profils.ProfilCompte.
    Column("profil", Text, nullable=False),
    # The guichet of the profiles that belong to one; null for the others.
    Column("guichet", Text, ForeignKey("guichet.code")),
    # Of a gestionnaire territorial; empty for the others.
    Column("territoires", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # Entitled to nominative data although its profile alone does not give them.
    Column("habilite", Boolean, nullable=False, server_default=text("false")),
    Column("cree_le", INSTANT, nullable=False),
    # Who created it: address of an account, or account of the machine.
    Column("cree_par", Text, nullable=False),
    # Null while it is open.
    Column("ferme_le", INSTANT),
    Index("compte_courriel_uq", "courriel", unique=True),
)

SESSION_CONSOLE: Final = Table(
    "session_console",
    METADATA,
    # SHA-256 of the token that the browser holds: a copy of the base opens no session.
    Column("empreinte", LargeBinary, primary_key=True),
    Column("compte", Uuid, ForeignKey("compte.id"), nullable=False),
    Column("ouverte_le", INSTANT, nullable=False),
    # Moves forward as the session is used, a minute at a time.
    Column("vue_le", INSTANT, nullable=False),
    # Whatever happens, no later than this.
    Column("expire_le", INSTANT, nullable=False),
    # How its holder was recognised: console.sessions.Moyen.
    Column("moyen", Text, nullable=False),
    Column("adresse", Text, nullable=False),
    Column("navigateur", Text, nullable=False),
    # When it was closed by its holder or by whoever manages the account; null otherwise.
    Column("fermee_le", INSTANT),
    # The sessions of an account.
    Index("session_console_compte_ix", "compte"),
)

ACTE_CONSOLE: Final = Table(
    "acte_console",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("fait_le", INSTANT, nullable=False),
    Column("compte", Uuid, nullable=False),
    # What was done (console.table.Page.trace), and to what the address named; never anything nominative.
    Column("acte", Text, nullable=False),
    Column("objet", Text, nullable=False),
    # The correlation identifier that the answer bore.
    Column("echange", Uuid, nullable=False),
    # Empty when it was done, otherwise the code of what refused it.
    Column("refus", Text, nullable=False),
    Index("acte_console_compte_ix", "compte", "id"),
)

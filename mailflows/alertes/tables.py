"""The tables of the alerts: what is watched, what was found, what was told."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from registry.tables import INSTANT, METADATA

ALERTE: Final = Table(
    "alerte",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # mailflows.alertes.catalogue, and what it is about.
    Column("code", Text, nullable=False),
    Column("objet", Text, nullable=False),
    # The partner concerned; empty for the hub itself.
    Column("guichet", Text, nullable=False),
    # French, never nominative; address in the console.
    Column("constat", Text, nullable=False),
    Column("attendu", Text, nullable=False),
    Column("page", Text, nullable=False),
    Column("niveau", Integer, nullable=False),
    Column("au_partenaire", Boolean, nullable=False),
    # mailflows.alertes.suivi.Etat.
    Column("etat", Text, nullable=False),
    Column("vue_le", INSTANT, nullable=False),
    Column("derniere_le", INSTANT, nullable=False),
    Column("ouverte_le", INSTANT),
    Column("close_le", INSTANT),
    CheckConstraint("etat IN ('naissante', 'ouverte', 'close')", name="etat"),
    # One at a time about one thing; and those that a turn reads.
    Index("alerte_en_cours_uq", "code", "objet", unique=True, postgresql_where=text("etat <> 'close'")),
    # The history, and what is purged.
    Index("alerte_close_ix", "close_le", postgresql_where=text("etat = 'close'")),
    postgresql_with={"fillfactor": "80"},
)

ALERTE_DITE: Final = Table(
    "alerte_dite",
    METADATA,
    # What an address was last told of an alert.
    Column("alerte", BigInteger, primary_key=True, autoincrement=False),
    Column("destinataire", Text, primary_key=True),
    Column("close", Boolean, nullable=False),
    Column("niveau", Integer, nullable=False),
    Column("dite_le", INSTANT, nullable=False),
)

ALERTE_COURRIER: Final = Table(
    "alerte_courrier",
    METADATA,
    # UUID version 7; the same at every attempt: Message-ID and ENVID bear it.
    Column("id", Uuid, primary_key=True),
    Column("destinataire", Text, nullable=False),
    Column("sujet", Text, nullable=False),
    Column("texte", Text, nullable=False),
    Column("cree_le", INSTANT, nullable=False),
    # Null once it has left, or was given up: `envoye_le` tells which. Written before each attempt.
    Column("prochaine_le", INSTANT),
    Column("tentatives", Integer, nullable=False, server_default=text("0")),
    Column("envoye_le", INSTANT),
    # What the relay last said, in French.
    Column("detail", Text, nullable=False, server_default=text("''")),
    Index("alerte_courrier_du_ix", "prochaine_le", postgresql_where=text("prochaine_le IS NOT NULL")),
    # When an address was last written to.
    Index("alerte_courrier_destinataire_ix", "destinataire", "cree_le"),
)

ALERTE_SOURDINE: Final = Table(
    "alerte_sourdine",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # Nothing is told meanwhile, of this code and this guichet; empty: of all of them.
    Column("du", INSTANT, nullable=False),
    Column("au", INSTANT, nullable=False),
    Column("code", Text, nullable=False),
    Column("guichet", Text, nullable=False),
    Column("motif", Text, nullable=False),
    Column("posee_par", Text, nullable=False),
)

PRESENCE_GUICHET: Final = Table(
    "presence_guichet",
    METADATA,
    # A day of Paris on which something came of a guichet: what its habit is read from, without reading the
    # exchanges again. sens: mailflows.alertes.presences.Sens.
    Column("guichet", Text, primary_key=True),
    Column("sens", Text, primary_key=True),
    Column("jour", Date, primary_key=True),
    Column("premiere_le", INSTANT, nullable=False),
    Column("derniere_le", INSTANT, nullable=False),
    postgresql_with={"fillfactor": "80"},
)

PROCESSUS: Final = Table(
    "processus",
    METADATA,
    # A process of the hub, which tells itself while it lives and takes its row away when it stops.
    Column("id", Uuid, primary_key=True),
    Column("machine", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("pret", Boolean, nullable=False),
    # Codes of what is wrong, when it is not ready; since when it is as it is.
    Column("codes", ARRAY(Text), nullable=False),
    Column("depuis_le", INSTANT, nullable=False),
    Column("vu_le", INSTANT, nullable=False),
    # Percentage free of the disk of the embedded database; null elsewhere.
    Column("disque_libre", Float),
    # Certificates of the hub that this process reads: registry.surveillance_certificats.Surveille.
    Column("certificats", JSONB, nullable=False),
    postgresql_with={"fillfactor": "80"},
)

VEILLE: Final = Table(
    "veille",
    METADATA,
    # One row, 'alertes'.
    Column("nom", Text, primary_key=True),
    Column("commencee_le", INSTANT, nullable=False),
    # Presences are kept up to this instant.
    Column("presences_le", INSTANT, nullable=False),
    # The verification of the journal under way: last entry verified, and whether it found a break.
    Column("sequence", BigInteger, nullable=False, server_default=text("0")),
    Column("empreinte", LargeBinary, nullable=False),
    Column("en_faute", Boolean, nullable=False, server_default=text("false")),
    # When the last whole verification ended; the first break that it, or this one, found.
    Column("verifie_le", INSTANT),
    Column("rupture", Text, nullable=False, server_default=text("''")),
    postgresql_with={"fillfactor": "50"},
)

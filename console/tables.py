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
    Integer,
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
    # When its holder was last certified to be who he says and entitled to it; null: never, it opens nothing.
    Column("certifie_le", INSTANT),
    Column("certifie_par", Text, nullable=False, server_default=text("''")),
    # Argon2id, with its parameters; null until its holder has chosen it.
    Column("mot_de_passe", Text),
    # Secret of the second factor (RFC 6238), base32, sealed (console.scellement); and the last time step
    # accepted: a code serves once.
    Column("totp", Text),
    Column("totp_dernier", BigInteger),
    # Who he is for the provider of identity (`iss`, `sub`), and since when: no other identity opens it.
    Column("emetteur_oidc", Text),
    Column("sujet_oidc", Text),
    Column("relie_le", INSTANT),
    Index("compte_courriel_uq", "courriel", unique=True),
    Index("compte_identite_uq", "emetteur_oidc", "sujet_oidc", unique=True),
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
    # What the provider of identity signed for it, sealed, to be shown to it when the session is closed.
    Column("jeton_oidc", Text),
    # The sessions of an account.
    Index("session_console_compte_ix", "compte"),
)

COMPTE_CERTIFICAT: Final = Table(
    "compte_certificat",
    METADATA,
    # SHA-256 of the DER, as in `certificat`. A certificate opens one account.
    Column(
        "empreinte", Text, CheckConstraint("empreinte ~ '^[0-9a-f]{64}$'", name="empreinte"), primary_key=True
    ),
    Column("compte", Uuid, ForeignKey("compte.id"), nullable=False),
    Column("sujet", Text, nullable=False),
    Column("valide_au", INSTANT, nullable=False),
    # The certificate: the console lets it through the handshake, whatever its authority.
    Column("pem", Text, nullable=False),
    Column("lie_le", INSTANT, nullable=False),
    Index("compte_certificat_compte_ix", "compte"),
)

CODE_SECOURS: Final = Table(
    "code_secours",
    METADATA,
    # What replaces the second factor, once each: SHA-256 of the code, sealed: 49 bits can be searched for.
    Column("compte", Uuid, ForeignKey("compte.id"), primary_key=True),
    Column("empreinte", Text, primary_key=True),
    Column("utilise_le", INSTANT),
)

INVITATION: Final = Table(
    "invitation",
    METADATA,
    # SHA-256 of the token of the link.
    Column("empreinte", LargeBinary, primary_key=True),
    Column("compte", Uuid, ForeignKey("compte.id"), nullable=False),
    # Secret of the second factor that it proposes, sealed; empty once it is closed.
    Column("totp", Text, nullable=False),
    Column("expire_le", INSTANT, nullable=False),
    # When it served, or was replaced by a later one.
    Column("close_le", INSTANT),
    Index("invitation_compte_ix", "compte"),
)

CLE_SCELLEMENT: Final = Table(
    "cle_scellement",
    METADATA,
    # Identifier of a key (console.coffre) that seals here; the key itself is in a file.
    Column("id", Text, primary_key=True),
    Column("declaree_le", INSTANT, nullable=False),
)

APPAREIL_CONNU: Final = Table(
    "appareil_connu",
    METADATA,
    # A browser that has once signed in: SHA-256 of the token that it keeps. It gives no right: its failures
    # are counted apart from those of strangers, who can thus not keep the holder out.
    Column("empreinte", LargeBinary, primary_key=True),
    Column("compte", Uuid, ForeignKey("compte.id"), nullable=False),
    Column("vu_le", INSTANT, nullable=False),
)

FREIN_CONNEXION: Final = Table(
    "frein_connexion",
    METADATA,
    # What is counted: an address of account (its SHA-256), a known browser, an address of the network.
    Column("cle", Text, primary_key=True),
    Column("echecs", Integer, nullable=False),
    Column("dernier_le", INSTANT, nullable=False),
    # No attempt is looked at before this instant.
    Column("attend_le", INSTANT, nullable=False),
)

RETOUR_OIDC: Final = Table(
    "retour_oidc",
    METADATA,
    # A sign-in that came back from the provider of identity: SHA-256 of its state, which serves once;
    # forgotten once it could not serve any more (seconds since 1970).
    Column("empreinte", LargeBinary, primary_key=True),
    Column("expire", BigInteger, nullable=False),
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

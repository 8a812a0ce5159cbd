"""Around certificates: the authorities trusted and their lists, verdicts, notices of expiry, certificates
proposed, trials of the endpoints of partners."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
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

AUTORITE_CONFIANCE: Final = Table(
    "autorite_confiance",
    METADATA,
    # SHA-256 of the certificate, as everywhere.
    Column("empreinte", Text, primary_key=True),
    # Its subject, for people.
    Column("nom", Text, nullable=False),
    Column("pem", Text, nullable=False),
    # True for an anchor; false for an intermediate, trusted for nothing, that partners do not join.
    Column("ancre", Boolean, nullable=False),
    # Where its list is fetched, or empty: it is then imported, or not demanded.
    Column("lcr_url", Text, nullable=False),
    # The last list that it signed, in DER.
    Column("lcr", LargeBinary),
    Column("lcr_publiee_le", INSTANT),
    Column("lcr_prochaine_le", INSTANT),
    Column("lcr_obtenue_le", INSTANT),
    # Why the last attempt failed, in French; empty when it did not.
    Column("lcr_erreur", Text, nullable=False, server_default=text("''")),
    # Where it is asked of one certificate (OCSP), or empty.
    Column("ocsp_url", Text, nullable=False, server_default=text("''")),
    Column("ajoutee_le", INSTANT, nullable=False),
    Column("retiree_le", INSTANT),
)

VERDICT_CERTIFICAT: Final = Table(
    "verdict_certificat",
    METADATA,
    # A certificate of a guichet, and what its authority is known to say of it.
    Column("empreinte", Text, ForeignKey("certificat.empreinte"), primary_key=True),
    # certs.verification.Motif; EMETTEUR-INCONNU: no authority trusted issued it, the pin decides alone.
    Column("motif", Text, nullable=False),
    # What was found and what was expected, in French.
    Column("constat", Text, nullable=False),
    Column("attendu", Text, nullable=False),
    # Since when it is so.
    Column("depuis", INSTANT, nullable=False),
    # To be judged again: from that instant on, or under another generation of « confiance ».
    Column("jusque", INSTANT, nullable=False),
    Column("generation", BigInteger, nullable=False),
)

REPONSE_OCSP: Final = Table(
    "reponse_ocsp",
    METADATA,
    # The certificate that was asked about, and the last response that may be used, in DER.
    Column("empreinte", Text, ForeignKey("certificat.empreinte"), primary_key=True),
    Column("reponse", LargeBinary, nullable=False),
    Column("publiee_le", INSTANT, nullable=False),
    Column("prochaine_le", INSTANT),
    Column("obtenue_le", INSTANT, nullable=False),
)

AVIS_CERTIFICAT: Final = Table(
    "avis_certificat",
    METADATA,
    Column("empreinte", Text, primary_key=True),
    # Days before the end at which it was due; below zero, after it. One notice for each.
    Column("palier", Integer, primary_key=True),
    # Null for a certificate of the hub itself.
    Column("guichet", Text, ForeignKey("guichet.code")),
    Column("sujet", Text, nullable=False),
    Column("valide_au", INSTANT, nullable=False),
    Column("cree_le", INSTANT, nullable=False),
    # Null until it was sent to the partner.
    Column("envoye_le", INSTANT),
)

PROPOSITION_CERTIFICAT: Final = Table(
    "proposition_certificat",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("guichet", Text, ForeignKey("guichet.code"), nullable=False),
    # SHA-256 of the DER, as everywhere.
    Column("empreinte", Text, nullable=False),
    Column("sujet", Text, nullable=False),
    Column("valide_du", INSTANT, nullable=False),
    Column("valide_au", INSTANT, nullable=False),
    Column("pem", Text, nullable=False),
    # As asked: null, all that its key allows.
    Column("usages", ARRAY(Text)),
    # When it is to come into use; null: as soon as it is accepted.
    Column("actif_du", INSTANT),
    # Address of the account that proposed it.
    Column("proposee_par", Text, nullable=False),
    Column("proposee_le", INSTANT, nullable=False),
    # Null until somebody has decided; who, and what: registry.propositions.Decision.
    Column("decidee_le", INSTANT),
    Column("decidee_par", Text),
    Column("decision", Text),
    # What is waiting to be decided, and one proposal at a time for a certificate.
    Index(
        "proposition_certificat_attente_uq",
        "guichet",
        "empreinte",
        unique=True,
        postgresql_where=text("decidee_le IS NULL"),
    ),
)

ESSAI_RECEPTION: Final = Table(
    "essai_reception",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("guichet", Text, ForeignKey("guichet.code"), nullable=False),
    # The address that was tried: another one proves nothing of it.
    Column("adresse", Text, nullable=False),
    Column("fait_le", INSTANT, nullable=False),
    # Who asked: address of an account, or account of the machine.
    Column("fait_par", Text, nullable=False),
    Column("reussi", Boolean, nullable=False),
    # JSON: [[step, passed, French detail], …].
    Column("constats", Text, nullable=False),
    # The last one of a guichet.
    Index("essai_reception_guichet_ix", "guichet", "id"),
)

"""The authorities trusted for partners with their revocation lists, and the notices of expiry."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, Table, Text, text

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

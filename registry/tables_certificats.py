"""The authorities trusted for partners with their revocation lists, and the notices of expiry."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, Table, Text, text

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
    Column("ajoutee_le", INSTANT, nullable=False),
    Column("retiree_le", INSTANT),
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

"""The certificates of a hub and of partners, made once for the tests of the push."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.autorite import create_autorite
from certs.tls import client_context, server_context


class Pki:
    """One authority and three identities: the hub, a partner, and one of another authority."""

    def __init__(self, folder: Path) -> None:
        now = datetime.now(UTC)
        ours, others = create_autorite(now=now), create_autorite("Autre autorité", now=now)
        ours.issue_guichet("HUB00", now=now).write(folder / "hub")
        ours.issue_guichet("G0002", now=now).write(folder / "partenaire")
        others.issue_guichet("G0003", now=now).write(folder / "autre")
        self._folder = folder

    def client(self, nom: str = "hub") -> ssl.SSLContext:
        folder = self._folder / nom
        return client_context(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")

    def stranger(self) -> ssl.SSLContext:
        """Trusts our partners but is not of our authority."""
        folder = self._folder / "autre"
        return client_context(self._folder / "hub" / "ca.pem", folder / "cert.pem", folder / "key.pem")

    def serveur(self, nom: str = "partenaire") -> ssl.SSLContext:
        folder = self._folder / nom
        return server_context(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")

    def empreinte(self, nom: str) -> str:
        certificate = x509.load_pem_x509_certificate((self._folder / nom / "cert.pem").read_bytes())
        return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()

"""A certificate for a key, signed by itself: who issued it matters to no parser."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certs.lecture import Certificat, read_certificat
from certs.paire import ClePrivee, Paire


def create_paire(cle: ClePrivee, instant: datetime, nom: str = "banc") -> Paire:
    """The key with its certificate, valid two days from `instant`."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, nom)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(cle.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(instant - timedelta(minutes=5))
        .not_valid_after(instant + timedelta(days=2))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(cle.public_key()), critical=False)
        .sign(cle, hashes.SHA256())
    )
    read = read_certificat(certificate.public_bytes(Encoding.PEM))
    assert isinstance(read, Certificat)
    return Paire(read, cle)

"""Keys and certificates that the tests of messages share: made once, an RSA key takes time."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs.autorite import create_autorite
from certs.paire import Paire, load_paire

# Foreign tools judge validity at the clock of the machine.
INSTANT = datetime.now(UTC).replace(microsecond=0)
AUTORITE = create_autorite(now=INSTANT)


@cache
def elliptique(code: str = "G1104") -> Paire:
    """A guichet on P-256."""
    identite = AUTORITE.issue_guichet(code, now=INSTANT)
    return load_paire(identite.chaine, identite.cle)


@cache
def rsa_de(bits: int = 2048, code: str = "G1226") -> Paire:
    """A guichet with an RSA key, without keyUsage: it signs and decrypts."""
    cle = rsa.generate_private_key(65537, bits)
    certificat = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, code)]))
        .issuer_name(AUTORITE.certificat.subject)
        .public_key(cle.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(INSTANT - timedelta(minutes=5))
        .not_valid_after(INSTANT + timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(cle.public_key()), critical=False)
        .sign(AUTORITE.cle, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    return load_paire(certificat + AUTORITE.pem, pem_of_key(cle))


def pem_of_key(cle: object) -> bytes:
    assert hasattr(cle, "private_bytes")
    pem = cle.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert isinstance(pem, bytes)
    return pem


def stranger(paire: Paire) -> Paire:
    """The same certificate with another key: what a forger holds."""
    autre = elliptique("autre") if paire is not elliptique("autre") else elliptique("encore")
    return dataclasses.replace(paire, cle=autre.cle)

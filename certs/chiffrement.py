"""Encrypting a file for the one who gave a certificate in its request (interface/services, `certificat`).

CMS EnvelopedData (RFC 5652 §6), DER, AES-256-CBC, key transported by RSA PKCS#1 v1.5: the only profile that
NSS, gpgsm and `openssl smime` of a stock Debian all read. Encrypting looks at neither validity nor key usage
of the recipient in any library: they are checked here first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from certs.lecture import CertificatIllisible, read_certificat
from certs.verification import Usage, verify


@dataclass(frozen=True, slots=True)
class RaisonRefus:
    """Why nothing was encrypted: stable `code`, French `texte`, the compared values."""

    code: str
    texte: str
    constat: str = ""
    attendu: str = ""


def encrypt_for(certificate: bytes, data: bytes, *, at: datetime) -> bytes | RaisonRefus:
    """`data` encrypted for the holder of `certificate` (PEM or DER), as CMS in DER.

    at: instant at which the certificate must be valid (aware).
    """
    certificat = read_certificat(certificate)
    if isinstance(certificat, CertificatIllisible):
        return RaisonRefus(certificat.code, certificat.message)
    verdict = verify(certificat, Usage.CHIFFREMENT, at=at)
    if not verdict.accepte:
        return RaisonRefus(f"CERT-{verdict.motif}", verdict.texte, verdict.constat, verdict.attendu)
    if certificat.cle.famille != "RSA":
        return RaisonRefus(
            "CERT-CLE-RSA",
            "Le chiffrement pour une clé qui n'est pas RSA n'est pas encore assuré.",
            f"{certificat.cle.famille} {certificat.cle.bits} bits",
            "une clé RSA d'au moins 2048 bits",
        )
    return (
        pkcs7.PKCS7EnvelopeBuilder()
        .set_data(data)
        .set_content_encryption_algorithm(algorithms.AES256)
        .add_recipient(x509.load_der_x509_certificate(certificat.der))
        # Binary: the file must come out byte for byte, without the line ends of a mail.
        .encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])
    )

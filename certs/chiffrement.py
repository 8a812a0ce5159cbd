"""Encrypting a file for the one who gave a certificate in its request (interface/services, `certificat`).

The same envelope as that of the mails (`certs.enveloppe`), in the default profile: AES-256-CBC, with RSA
PKCS#1 v1.5 or ECDH, which NSS, gpgsm and `openssl` of a stock Debian all read. Encrypting looks at neither
validity nor key usage of the recipient in any library: they are checked here first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from certs.algorithmes import PAR_DEFAUT, Profil
from certs.enveloppe import encrypt
from certs.lecture import CertificatIllisible, read_certificat
from certs.verification import Usage, verify


@dataclass(frozen=True, slots=True)
class RaisonRefus:
    """Why nothing was encrypted: stable `code`, French `texte`, the compared values."""

    code: str
    texte: str
    constat: str = ""
    attendu: str = ""


def encrypt_for(
    certificate: bytes, data: bytes, *, at: datetime, profil: Profil = PAR_DEFAUT
) -> bytes | RaisonRefus:
    """`data` encrypted for the holder of `certificate` (PEM or DER), as CMS in DER.

    at: instant at which the certificate must be valid (aware).
    """
    certificat = read_certificat(certificate)
    if isinstance(certificat, CertificatIllisible):
        return RaisonRefus(certificat.code, certificat.message)
    verdict = verify(certificat, Usage.CHIFFREMENT, at=at)
    if not verdict.accepte:
        return RaisonRefus(f"CERT-{verdict.motif}", verdict.texte, verdict.constat, verdict.attendu)
    return encrypt(data, [certificat], profil)

"""A certificate made for the key of a guichet by the authority of the instance, and registered at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from sqlalchemy import Connection

from certs.autorite import DUREE_GUICHET, Autorite
from registry.certificats import CertificatEpingle, pin_certificat
from registry.constats import Constat
from registry.guichets import Guichet


@dataclass(frozen=True, slots=True)
class Emis:
    """What was issued. chaine: the certificate followed by its authorities, PEM, to give to the guichet."""

    chaine: bytes
    epingle: CertificatEpingle


_PEM: Final = re.compile(rb"-----BEGIN (NEW )?CERTIFICATE REQUEST-----")


def is_request(data: bytes) -> bool:
    """Whether bytes are a request for a certificate (PKCS#10, PEM or DER) rather than a certificate."""
    if _PEM.search(data):
        return True
    try:
        x509.load_der_x509_csr(data)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def answer_request(
    conn: Connection,
    autorite: Autorite,
    guichet: Guichet,
    demande: bytes,
    *,
    instant: datetime,
    duree: timedelta = DUREE_GUICHET,
) -> Emis | tuple[Constat, ...]:
    """Certify the key of a request (PKCS#10, PEM or DER) and register the certificate for all that its key
    allows, or say why not. The private key never leaves the guichet ([CER-62])."""
    try:
        chaine = autorite.issue_demande(
            demande, guichet.code, now=instant, nom=guichet.nom, siren=guichet.siren, duree=duree
        )
    except ValueError as error:
        return (Constat("DEMANDE-REFUSEE", "demande", str(error)),)
    epingle = pin_certificat(conn, guichet.code, chaine, instant=instant)
    return Emis(chaine, epingle) if isinstance(epingle, CertificatEpingle) else epingle

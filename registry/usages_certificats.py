"""What a certificate of a guichet may be used for, and where it is in its life. Pure.

A guichet has as many certificates as it wants, one for all or one for each use. One that is prepared is
accepted when it comes (TLS, signatures) and not used yet towards its guichet: a partner may change before or
after the day it told, and no message is lost.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from certs.lecture import Certificat
from certs.verification import Motif, Usage, Verdict, verify


class UsageCertificat(StrEnum):
    """What the gestionnaire registers a certificate for."""

    TLS = "tls"
    SIGNATURE = "signature"
    CHIFFREMENT = "chiffrement"


VERIFIES: Final = {
    UsageCertificat.TLS: Usage.CLIENT,
    UsageCertificat.SIGNATURE: Usage.SIGNATURE,
    UsageCertificat.CHIFFREMENT: Usage.CHIFFREMENT,
}
"""The use that the certificate itself must allow."""


ADMIS: Final = frozenset({Motif.VALIDE, Motif.EMETTEUR_INCONNU})
"""Verdicts on the path under which a pin decides: an authority that the operator trusts vouches for it, or
none of them issued it."""

SUSPENDUS: Final = frozenset({Motif.REVOCATION_PERIMEE, Motif.REVOCATION_INDETERMINEE})
"""Verdicts that waiting may turn into an acceptance."""


class EtatCertificat(StrEnum):
    """Where a registered certificate is in its life."""

    PREPARE = "prepare"
    ACTIF = "actif"
    EXPIRE = "expire"
    RETIRE = "retire"
    REVOQUE = "revoque"


def etat_of(
    *,
    valide_au: datetime,
    actif_du: datetime,
    retire_le: datetime | None,
    revoque_le: datetime | None,
    instant: datetime,
) -> EtatCertificat:
    """The state at an instant; actif_du is when it comes into use, not when it becomes valid."""
    if revoque_le is not None:
        return EtatCertificat.REVOQUE
    if retire_le is not None:
        return EtatCertificat.RETIRE
    if instant > valide_au:
        return EtatCertificat.EXPIRE
    return EtatCertificat.PREPARE if instant < actif_du else EtatCertificat.ACTIF


def usages_possibles(certificat: Certificat, *, rsa_min: int) -> frozenset[UsageCertificat]:
    """All that the key and its usage allow, whatever the dates."""
    return frozenset(
        usage
        for usage, verifie in VERIFIES.items()
        if verify(certificat, verifie, at=certificat.valide_du, rsa_min=rsa_min).accepte
    )


def verify_usages(
    certificat: Certificat, usages: frozenset[UsageCertificat], *, at: datetime, rsa_min: int
) -> Verdict:
    """The first refusal among the uses asked for, or the acceptance."""
    verdicts = [verify(certificat, VERIFIES[usage], at=at, rsa_min=rsa_min) for usage in sorted(usages)]
    return next((verdict for verdict in verdicts if not verdict.accepte), verdicts[0])

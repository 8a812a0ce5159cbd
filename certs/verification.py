"""Is this certificate usable, for this use, at this instant? The answer is a value, with its reason.

Pinning comes first and elsewhere: what is judged here is a certificate whose fingerprint is already
registered, or about to be. cryptography and OpenSSL accept keys that administrations no longer do (RSA-1024
for a leaf), so key strength is judged here (ANSSI, guide des mécanismes cryptographiques, règles RègleFact-1
and RègleECp-1: RSA 2048 bits at least, curves of 256 bits at least).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from certs.lecture import Certificat

MIN_RSA: Final = 2048
MIN_EC: Final = 256

CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
EMAIL_PROTECTION: Final = "1.3.6.1.5.5.7.3.4"
DOCUMENT_SIGNING: Final = "1.3.6.1.5.5.7.3.36"
ANY_USAGE: Final = "2.5.29.37.0"


class Usage(StrEnum):
    """What the certificate is about to be used for."""

    CLIENT = "client"
    SERVEUR = "serveur"
    SIGNATURE = "signature"
    CHIFFREMENT = "chiffrement"


_ETENDUS: Final = {
    Usage.CLIENT: {CLIENT_AUTH: "clientAuth"},
    Usage.SERVEUR: {SERVER_AUTH: "serverAuth"},
    # clientAuth: an administration that has one certificate for its server signs with it.
    Usage.SIGNATURE: {
        EMAIL_PROTECTION: "emailProtection",
        DOCUMENT_SIGNING: "documentSigning",
        CLIENT_AUTH: "clientAuth",
    },
}
"""Extended key usages of which one is enough for each use; none is asked for of an encryption certificate."""


class Motif(StrEnum):
    """Reason of a verdict; stable codes."""

    VALIDE = "VALIDE"
    PAS_ENCORE_VALIDE = "PAS-ENCORE-VALIDE"
    EXPIRE = "EXPIRE"
    CLE_FAIBLE = "CLE-FAIBLE"
    USAGE = "USAGE"
    AUTORITE = "AUTORITE"
    NON_ENREGISTRE = "NON-ENREGISTRE"
    EMETTEUR_INCONNU = "EMETTEUR-INCONNU"
    CHEMIN = "CHEMIN"
    ALGORITHME = "ALGORITHME"
    REVOQUE = "REVOQUE"
    REVOCATION_PERIMEE = "REVOCATION-PERIMEE"
    REVOCATION_INDETERMINEE = "REVOCATION-INDETERMINEE"
    TROP_COMPLEXE = "TROP-COMPLEXE"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of a verification. `texte` is French; `constat` and `attendu` are the compared values."""

    motif: Motif
    texte: str
    constat: str = ""
    attendu: str = ""

    @property
    def accepte(self) -> bool:
        return self.motif is Motif.VALIDE

    @property
    def suspendu(self) -> bool:
        """True when waiting may turn it into an acceptance: what depends on it waits, and is not refused."""
        return self.motif in {Motif.REVOCATION_PERIMEE, Motif.REVOCATION_INDETERMINEE}


def verify(certificat: Certificat, usage: Usage, *, at: datetime, rsa_min: int = MIN_RSA) -> Verdict:
    """The verdict on a certificate at an instant (aware). The first failing rule gives the reason.

    rsa_min: bits of the smallest RSA key accepted, less for a partner whose profile says so.
    """
    if at < certificat.valide_du:
        return Verdict(
            Motif.PAS_ENCORE_VALIDE,
            "Le certificat n'est pas encore valide.",
            f"valide à partir du {_jour(certificat.valide_du)}",
            f"valide le {_jour(at)}",
        )
    # RFC 5280 §4.1.2.5: both bounds are included.
    if at > certificat.valide_au:
        return Verdict(
            Motif.EXPIRE,
            "Le certificat a expiré.",
            f"valide jusqu'au {_jour(certificat.valide_au)}",
            f"valide le {_jour(at)}",
        )
    if certificat.autorite:
        return Verdict(
            Motif.AUTORITE,
            "Ce certificat est celui d'une autorité, pas celui d'un partenaire.",
            certificat.sujet[:200],
            "un certificat d'entité finale",
        )
    return (
        _weakness(certificat, rsa_min)
        or _misuse(certificat, usage)
        or Verdict(Motif.VALIDE, "Le certificat est valide.")
    )


def _weakness(certificat: Certificat, rsa_min: int) -> Verdict | None:
    cle = certificat.cle
    strong = (
        (cle.famille == "RSA" and cle.bits >= rsa_min)
        or (cle.famille == "EC" and cle.bits >= MIN_EC)
        or cle.famille in {"ED25519", "ED448"}
    )
    if strong:
        return None
    return Verdict(
        Motif.CLE_FAIBLE,
        "La clé du certificat est trop faible ou d'un type non admis.",
        f"{cle.famille} {cle.bits} bits",
        f"RSA d'au moins {rsa_min} bits, ou courbe elliptique d'au moins {MIN_EC} bits",
    )


def _misuse(certificat: Certificat, usage: Usage) -> Verdict | None:
    if usage is Usage.CHIFFREMENT and not certificat.chiffre:
        return Verdict(
            Motif.USAGE,
            "Le certificat n'autorise pas le chiffrement.",
            f"clé {certificat.cle.famille}, keyUsage sans ce qu'il faut",
            "keyEncipherment pour une clé RSA, keyAgreement pour une courbe elliptique",
        )
    if usage is Usage.SIGNATURE and not certificat.signe:
        return Verdict(
            Motif.USAGE,
            "Le certificat n'autorise pas la signature.",
            "keyUsage sans digitalSignature ni contentCommitment",
            "digitalSignature ou contentCommitment",
        )
    wanted = _ETENDUS.get(usage)
    if wanted is None or certificat.usages is None or certificat.usages & {*wanted, ANY_USAGE}:
        return None
    return Verdict(
        Motif.USAGE,
        "Le certificat n'autorise pas cet usage.",
        ", ".join(sorted(certificat.usages)),
        " ou ".join(f"{name} ({oid})" for oid, name in wanted.items()),
    )


def _jour(instant: datetime) -> str:
    return instant.strftime("%d/%m/%Y %H:%M UTC")

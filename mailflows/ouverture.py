"""Opening a message: decrypted, its signer identified, its signature verified, in that order.

Identity is the fingerprint of the certificate that signed, registered for a guichet; never a header, never a
name, never an authority alone. What is not proven comes out as such: a stranger, to whom nothing is answered;
or a known partner whose message is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, select, text

from certs.cms import MotifCms, RefusCms
from certs.enveloppe import decrypt
from certs.lecture import Certificat, read_certificat
from certs.paire import Paire
from certs.signature import ContenuVerifie, SigneNonVerifie, read_signed
from certs.verification import Usage, verify
from mailflows.anomalies import NON_OUVERT, NON_SIGNE, SIGNATURE_INVALIDE
from mailflows.message_lu import Exterieur, read_encrypted, read_signed_entity
from registry.anomalies import Anomalie
from registry.certificats import CERTIFICAT_INCONNU, list_certificats
from registry.echanges import Emetteur
from registry.tables import CERTIFICAT


@dataclass(frozen=True, slots=True)
class Trousseau:
    """The keys of the hub. dechiffrement: newest first, retired ones as long as mail is in flight."""

    signataire: Paire
    dechiffrement: tuple[Paire, ...]


class Identification(Protocol):
    """Tells the guichet that a certificate names (`registry.certificats.Identites`)."""

    async def resolve(self, empreinte: str) -> Emetteur | Anomalie: ...


@dataclass(frozen=True, slots=True)
class Etranger:
    """Nobody known signed it. anomalie: for the operator. motif: the cause, for the operator."""

    anomalie: Anomalie
    motif: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """A certificate that we know was announced, and the message is refused."""

    certificat: str
    anomalie: Anomalie
    motif: str


@dataclass(frozen=True, slots=True)
class Ouvert:
    """A known partner signed this content."""

    emetteur: Emetteur
    contenu: ContenuVerifie


async def open_mail(
    exterieur: Exterieur, trousseau: Trousseau, identites: Identification
) -> Ouvert | Refuse | Etranger:
    """What a message holds and who vouches for it. Computes in a thread; may read the database."""
    signe = await asyncio.to_thread(decipher, exterieur, trousseau.dechiffrement)
    if isinstance(signe, Etranger):
        return signe
    empreinte = signe.annonce.empreinte
    found = await identites.resolve(empreinte)
    if isinstance(found, Anomalie) and found.type is CERTIFICAT_INCONNU:
        return Etranger(found, f"signé par {signe.annonce.sujet[:200]}, que personne n'a enregistré")
    contenu = await asyncio.to_thread(signe.verify)
    if isinstance(contenu, RefusCms):
        anomalie = SIGNATURE_INVALIDE()
        if contenu.motif in (MotifCms.ALGORITHME, MotifCms.CLE_FAIBLE, MotifCms.ATTRIBUTS):
            anomalie = NON_SIGNE(
                f"{contenu.texte} {contenu.constat}".strip(), contenu.attendu or "autre chose"
            )
        return Refuse(empreinte, anomalie, _cause(contenu))
    if isinstance(found, Anomalie):
        return Refuse(empreinte, found, "le certificat du signataire n'est plus ou pas encore admis")
    return Ouvert(found, contenu)


def decipher(exterieur: Exterieur, trousseau: Sequence[Paire]) -> SigneNonVerifie | Etranger:
    """The signed message inside, nothing of it verified. Pure.

    Whatever keeps it from being opened is one and the same anomalie: its cause would help an attacker.
    """
    sealed = read_encrypted(exterieur)
    if isinstance(sealed, Anomalie):
        return Etranger(sealed, "le message n'est pas un message chiffré")
    opened = decrypt(sealed, trousseau)
    if isinstance(opened, RefusCms):
        return Etranger(NON_OUVERT(), _cause(opened))
    entity = read_signed_entity(opened.octets_non_verifies)
    if isinstance(entity, Anomalie):
        return Etranger(NON_OUVERT(), f"déchiffré, mais {entity.constat}")
    signed = read_signed(entity.cms, entity.contenu)
    if isinstance(signed, RefusCms):
        return Etranger(NON_OUVERT(), _cause(signed))
    return signed


def owner_of(conn: Connection, empreinte: str) -> str | None:
    """The guichet for which a certificate was registered, whatever became of it."""
    return conn.execute(
        select(CERTIFICAT.c.guichet).where(CERTIFICAT.c.empreinte == empreinte)
    ).scalar_one_or_none()


def addressee_of(conn: Connection, adresse: str) -> str | None:
    """The open guichet whose registered address this is: it may be told of a refusal, never believed."""
    return conn.execute(
        text("""
            SELECT code FROM guichet
            WHERE lower(adresse_courrier) = lower(:adresse) AND adresse_courrier <> '' AND ferme_le IS NULL
            ORDER BY code LIMIT 1
        """),
        {"adresse": adresse},
    ).scalar_one_or_none()


def recipient_of(conn: Connection, guichet: str, instant: datetime) -> Certificat | None:
    """The certificate to encrypt for: the newest of the guichet that is valid and may encrypt ([COU-31])."""
    possible = []
    for epingle in list_certificats(conn, guichet):
        if epingle.retire_le is not None:
            continue
        lu = read_certificat(epingle.pem)
        if isinstance(lu, Certificat) and verify(lu, Usage.CHIFFREMENT, at=instant).accepte:
            possible.append(lu)
    return max(possible, key=lambda each: (each.valide_du, each.empreinte), default=None)


def _cause(refus: RefusCms) -> str:
    return " ; ".join(part for part in (refus.motif.value, refus.constat, refus.detail) if part)[:500]

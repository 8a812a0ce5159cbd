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

from certs.algorithmes import PAR_DEFAUT, PROFILS
from certs.cms import MotifCms, RefusCms
from certs.enveloppe import decrypt
from certs.paire import Paire
from certs.signature import ContenuVerifie, SigneNonVerifie, read_signed
from mailflows.anomalies import NON_OUVERT, NON_SIGNE, SIGNATURE_INVALIDE
from mailflows.message_lu import Exterieur, read_encrypted, read_signed_entity
from registry.anomalies import Anomalie
from registry.certificats import CERTIFICAT_INCONNU
from registry.echanges import Emetteur
from registry.tables import CERTIFICAT
from registry.usages_certificats import UsageCertificat


class Cles(Protocol):
    """The keys of the hub, as they are now: a rotation takes effect while the hub runs."""

    def signataire(self) -> Paire:
        """The one key that signs."""
        ...

    def dechiffrement(self) -> Sequence[Paire]:
        """Those that decrypt, the present one first; retired ones as long as mail is in flight."""
        ...

    def find(self, empreinte: str) -> Paire | None:
        """That of this certificate, whatever its state: a rehearsal signs with one that is not in use."""
        ...


@dataclass(frozen=True, slots=True)
class ClesFixes:
    """Keys that do not change. prochaines: those that sign nothing yet."""

    signature: Paire
    chiffrement: tuple[Paire, ...]
    prochaines: tuple[Paire, ...] = ()

    def signataire(self) -> Paire:
        return self.signature

    def dechiffrement(self) -> Sequence[Paire]:
        return self.chiffrement

    def find(self, empreinte: str) -> Paire | None:
        pairs = (self.signature, *self.chiffrement, *self.prochaines)
        return next((each for each in pairs if each.certificat.empreinte == empreinte), None)


class Identification(Protocol):
    """Tells the guichet that a certificate names (`registry.certificats.Identites`)."""

    async def resolve(
        self,
        empreinte: str,
        usage: UsageCertificat = UsageCertificat.TLS,
        recu_le: datetime | None = None,
    ) -> Emetteur | Anomalie: ...


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
    """A known partner signed this content. destinataire: empreinte of ours for which it was encrypted."""

    emetteur: Emetteur
    contenu: ContenuVerifie
    destinataire: str


@dataclass(frozen=True, slots=True)
class Dechiffre:
    """A signed message out of its envelope, nothing of it verified. destinataire: as in `Ouvert`."""

    signe: SigneNonVerifie
    destinataire: str


async def open_mail(
    exterieur: Exterieur, cles: Cles, identites: Identification, recu_le: datetime
) -> Ouvert | Refuse | Etranger:
    """What a message holds and who vouches for it. Computes in a thread; may read the database.

    recu_le: when it reached us, the instant at which the dates of the certificate are judged ([COU-14]).
    """
    deciphered = await asyncio.to_thread(decipher, exterieur, cles.dechiffrement())
    if isinstance(deciphered, Etranger):
        return deciphered
    signe = deciphered.signe
    empreinte = signe.annonce.empreinte
    found = await identites.resolve(empreinte, UsageCertificat.SIGNATURE, recu_le)
    if isinstance(found, Anomalie) and found.type is CERTIFICAT_INCONNU:
        return Etranger(found, f"signé par {signe.annonce.sujet[:200]}, que personne n'a enregistré")
    # What this partner is known to write; of one whose certificate is refused, the default.
    profil = PAR_DEFAUT if isinstance(found, Anomalie) else PROFILS[found.guichet.capacites]
    contenu = await asyncio.to_thread(signe.verify, profil)
    if isinstance(contenu, RefusCms):
        anomalie = SIGNATURE_INVALIDE()
        if contenu.motif in (MotifCms.ALGORITHME, MotifCms.CLE_FAIBLE, MotifCms.ATTRIBUTS):
            anomalie = NON_SIGNE(
                f"{contenu.texte} {contenu.constat}".strip(), contenu.attendu or "autre chose"
            )
        return Refuse(empreinte, anomalie, _cause(contenu))
    if isinstance(found, Anomalie):
        return Refuse(empreinte, found, "le certificat du signataire n'est plus ou pas encore admis")
    return Ouvert(found, contenu, deciphered.destinataire)


def decipher(exterieur: Exterieur, trousseau: Sequence[Paire]) -> Dechiffre | Etranger:
    """The signed message inside, nothing of it verified. Pure.

    Whatever keeps it from being opened is one and the same anomalie: its cause would help an attacker.
    """
    sealed = read_encrypted(exterieur)
    if isinstance(sealed, Anomalie):
        return Etranger(sealed, "le message n'est pas un message chiffré")
    opened = decrypt(sealed, trousseau)
    # A message may be large, and so is what it becomes at each step: one is let go before the next but one.
    del sealed
    if isinstance(opened, RefusCms):
        return Etranger(NON_OUVERT(), _cause(opened))
    entity = read_signed_entity(opened.octets_non_verifies)
    destinataire = opened.destinataire.empreinte
    del opened
    if isinstance(entity, Anomalie):
        return Etranger(NON_OUVERT(), f"déchiffré, mais {entity.constat}")
    signed = read_signed(entity.cms, entity.contenu)
    if isinstance(signed, RefusCms):
        return Etranger(NON_OUVERT(), _cause(signed))
    return Dechiffre(signed, destinataire)


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


def _cause(refus: RefusCms) -> str:
    return " ; ".join(part for part in (refus.motif.value, refus.constat, refus.detail) if part)[:500]

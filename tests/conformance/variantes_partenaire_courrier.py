"""Broken partners: robots of mail that write or read badly."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from types import MappingProxyType
from typing import Any, ClassVar

from aiosmtpd.smtp import SMTP, Envelope, Session

from certs.signature import sign
from conformance.partenaire_courrier import PartenaireCourrier, Piece, Recu, signed_entity
from schemas.courrier import Verdict
from tests.conformance.variantes_partenaire import Variante


class SansChiffrer(PartenaireCourrier):
    def compose(self, pieces: Sequence[Piece], **how: Any) -> bytes:
        signed = sign(self.write_entity(pieces), [self.paire], instant=datetime.now(UTC))
        return self.head(message_id=how.get("message_id", "")) + signed_entity(signed)


class Ecrit(PartenaireCourrier):
    """Writes other files than it should."""

    piece: Callable[[Piece], Piece] = staticmethod(lambda piece: piece)

    def compose(self, pieces: Sequence[Piece], **how: Any) -> bytes:
        return super().compose([type(self).piece(each) for each in pieces], **how)


class MalNomme(Ecrit):
    piece = staticmethod(lambda piece: replace(piece, nom="DBL.xml") if piece.nom == "DEM.xml" else piece)


class SansAccents(Ecrit):
    piece = staticmethod(
        lambda piece: replace(piece, contenu=re.sub(rb"KITCONFORMITE \w+", b"KITCONFORMITE", piece.contenu))
    )


class Entetes(PartenaireCourrier):
    """Writes other fields than it should; empty: left out."""

    champs: ClassVar[Mapping[str, str]] = {}

    def head(self, *, message_id: str = "", entetes: Mapping[str, str] = MappingProxyType({})) -> bytes:
        written = super().head(message_id=message_id, entetes={**entetes, **self.champs})
        return re.sub(rb"(?m)^[\w-]+: \r\n", b"", written)


class SansIdentifiant(Entetes):
    champs: ClassVar = {"Message-ID": ""}


class Bavard(Entetes):
    champs: ClassVar = {"Subject": "demande de KITCONFORMITE"}


class Automatique(Entetes):
    champs: ClassVar = {"Auto-Submitted": "auto-generated"}


class Accuse(PartenaireCourrier):
    """Acknowledges otherwise than it should."""

    async def acknowledge(self, recu: Recu, verdict: Verdict = Verdict.RECU) -> None:
        changed = self.change(recu, verdict)
        if changed is not None:
            await super().acknowledge(*changed)

    def change(self, recu: Recu, verdict: Verdict) -> tuple[Recu, Verdict] | None:
        return recu, verdict


class Muet(Accuse):
    def change(self, recu: Recu, verdict: Verdict) -> tuple[Recu, Verdict] | None:
        return None if recu.nature == "distribution" else (recu, verdict)


class ToujoursRecu(Accuse):
    def change(self, recu: Recu, verdict: Verdict) -> tuple[Recu, Verdict] | None:
        return recu, Verdict.RECU


class AutresOctets(Accuse):
    def change(self, recu: Recu, verdict: Verdict) -> tuple[Recu, Verdict] | None:
        pieces = tuple(replace(each, contenu=each.contenu.strip()) for each in recu.fichiers)
        return replace(recu, fichiers=pieces), verdict


class SansSuppression(Accuse):
    def change(self, recu: Recu, verdict: Verdict) -> tuple[Recu, Verdict] | None:
        if any(b"typeFichier>SUP<" in each.contenu for each in recu.fichiers):
            return None
        return recu, verdict


class SansRepetition(Accuse):
    def change(self, recu: Recu, verdict: Verdict) -> tuple[Recu, Verdict] | None:
        return None if recu.repetition is not None else (recu, verdict)


class Credule(PartenaireCourrier):
    """Acknowledges what could not be read, for that reason."""

    raison: ClassVar[str] = ""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        found = self.read(envelope.content)
        if isinstance(found, str) and re.search(self.raison, found):
            ident = str(message_from_bytes(envelope.content)["X-Echangeur-Id"])
            piece = Piece("DIS.xml", b"")
            digest = hashlib.sha256(b"").digest()
            blind = Recu(ident, "distribution", "", "", True, None, (piece,), digest)
            tache = asyncio.ensure_future(self.acknowledge(blind))
            self._taches.add(tache)
            tache.add_done_callback(self._taches.discard)
        return await super().handle_DATA(server, session, envelope)


class CroitToutSignataire(Credule):
    raison = "un autre que l'échangeur"


class CroitTout(Credule):
    raison = "."


class RepondATout(PartenaireCourrier):
    """Acknowledges all mails of the hub."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        recu = self.recus[-1] if self.recus else None
        if recu is not None and recu.nature in ("reponse", "refus", "avis"):
            tache = asyncio.ensure_future(self.acknowledge(recu))
            self._taches.add(tache)
            tache.add_done_callback(self._taches.discard)
        return answer


VARIANTES = [
    Variante("le robot signe sans chiffrer", "C0901", robot=SansChiffrer),
    Variante("le robot nomme une demande comme une recherche de doublons", "C0902", robot=MalNomme),
    Variante("le robot perd une partie du document", "C0903", robot=SansAccents),
    Variante("le robot n'écrit pas de Message-ID", "C0904", robot=SansIdentifiant),
    Variante("le robot écrit un nom de personne dans le sujet", "C0905", robot=Bavard),
    Variante("le robot se dit automatique", "C0906", robot=Automatique),
    Variante("le robot n'accuse pas les distributions", "C0907", robot=Muet),
    Variante("le robot ne reconnaît pas ce qu'il a reçu", "C0908", robot=ToujoursRecu),
    Variante("le robot croit tout signataire", "C0909", robot=CroitToutSignataire),
    Variante("le robot accuse ce qu'il n'a pas pu lire", "C0910", robot=CroitTout, aussi=("C0911", "C0909")),
    Variante("le robot répond aux réponses", "C0912", robot=RepondATout),
    Variante("le robot condense le fichier sans ses blancs", "C0913", robot=AutresOctets),
    Variante("le robot n'accuse pas les suppressions", "C0914", robot=SansSuppression),
    Variante("le robot n'accuse pas les répétitions", "C0915", robot=SansRepetition),
]

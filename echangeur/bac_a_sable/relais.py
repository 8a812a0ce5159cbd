"""The relay of a sandbox: it takes what the hub sends, and lays it in a box, a folder for each address.

The address that the developer serves is handed the mail too. A mail can be lost, late or doubled on purpose,
after the hub has handed it over: the hub knows no more of it than a real one.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Final

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session

from echangeur.bac_a_sable.dossier import ECHANGEUR
from echangeur.bac_a_sable.valeurs import DE_COURRIER, RETARD_S, Panne, find_value, panne_of
from mailflows.message_emis import ENTETE_ID, ENTETE_NATURE

_NOM: Final = re.compile(r"[^A-Za-z0-9@._-]")
_TAILLE_MAX: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Suivant:
    """Where the developer's own server listens, in clear."""

    hote: str
    port: int


@dataclass(frozen=True, slots=True)
class Lettre:
    """A mail in a box."""

    fichier: Path
    destinataire: str
    sujet: str
    nature: str
    en_reponse_a: str


class Relais:
    """Between `serving`, on one event loop. dossier: of the boxes. suivant: who is handed the mails too."""

    def __init__(self, dossier: Path, suivant: Suivant | None = None) -> None:
        self._dossier = dossier
        self._suivant = suivant
        self._attendues: dict[str, Panne] = {}
        self._faites: set[str] = set()
        self._tardives: set[asyncio.Task[None]] = set()

    def expect(self, identifiant: str, panne: Panne) -> None:
        """The mail of this identifier is to meet that failure, once."""
        self._attendues[identifiant] = panne

    @contextlib.asynccontextmanager
    async def serving(self, sock: socket.socket) -> AsyncIterator[None]:
        """Take mails on `sock`, bound before, until the block ends; those that were late then arrive."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", data_size_limit=_TAILLE_MAX, loop=loop), sock=sock
        )
        try:
            yield
        finally:
            server.close()
            for each in self._tardives:
                each.cancel()
            await asyncio.gather(*self._tardives, return_exceptions=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """A mail of the hub, as aiosmtpd gives it."""
        assert isinstance(envelope.content, bytes)
        data, message = envelope.content, message_from_bytes(envelope.content)
        panne = self._panne_of(message)
        try:
            for adresse in envelope.rcpt_tos:
                match panne:
                    case Panne.COURRIER_PERDU:
                        continue
                    case Panne.COURRIER_TARDIF:
                        late = asyncio.create_task(self._bring_late(adresse, data))
                        self._tardives.add(late)
                        late.add_done_callback(self._tardives.discard)
                        continue
                    case Panne.COURRIER_DOUBLE:
                        await self._bring(adresse, data)
                await self._bring(adresse, data)
        except (OSError, aiosmtplib.SMTPException) as error:
            return f"451 4.4.1 Le serveur du partenaire ne prend pas le message ({type(error).__name__})"
        return "250 2.0.0 Pris"

    def _panne_of(self, message: Message) -> Panne | None:
        """Expected of its identifier, or asked by the message that it answers; once for each."""
        identifiant = str(message.get(ENTETE_ID, ""))
        expected = self._attendues.pop(identifiant, None)
        if expected is not None:
            return expected
        asked = panne_of(find_value([str(message.get("In-Reply-To", ""))]))
        if asked not in DE_COURRIER or identifiant in self._faites:
            return None
        self._faites.add(identifiant)
        return asked

    async def _bring_late(self, adresse: str, data: bytes) -> None:
        await asyncio.sleep(RETARD_S)
        with contextlib.suppress(OSError, aiosmtplib.SMTPException):
            await self._bring(adresse, data)

    async def _bring(self, adresse: str, data: bytes) -> None:
        if self._suivant is not None:
            await aiosmtplib.send(
                data,
                sender=ECHANGEUR,
                recipients=[adresse],
                hostname=self._suivant.hote,
                port=self._suivant.port,
                start_tls=False,
                timeout=10,
            )
        await asyncio.to_thread(lay, self._dossier, adresse, data)


def lay(dossier: Path, adresse: str, data: bytes) -> Path:
    """Lay a mail in the box of an address, under the next number."""
    box = dossier / (_NOM.sub("_", adresse.lower()).lstrip(".") or "_")
    box.mkdir(parents=True, exist_ok=True)
    rang = sum(1 for _ in box.glob("*.eml")) + 1
    while True:
        place = box / f"{rang:06d}.eml"
        try:
            with place.open("xb") as file:
                file.write(data)
        except FileExistsError:
            rang += 1
        else:
            return place


def read_boxes(dossier: Path) -> list[Lettre]:
    """What is in the boxes, by address then by number."""
    lettres = []
    for fichier in sorted(dossier.glob("*/*.eml")):
        message = message_from_bytes(fichier.read_bytes())
        lettres.append(
            Lettre(
                fichier,
                fichier.parent.name,
                str(message.get("Subject", "")),
                str(message.get(ENTETE_NATURE, "")),
                str(message.get("In-Reply-To", "")),
            )
        )
    return lettres

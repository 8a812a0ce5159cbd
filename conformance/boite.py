"""The mail of the kit: signs, encrypts and sends to the target, receives and opens what it sends.

A `PartenaireCourrier` on a loop and a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiosmtplib

from certs.autorite import create_autorite
from certs.lecture import Certificat, CertificatIllisible, read_certificat
from certs.paire import Paire, load_paire
from certs.tls import client_context
from conformance.assertion import Empeche
from conformance.partenaire_courrier import Echangeur, PartenaireCourrier, Piece, Recu
from conformance.profil import Courrier, Guichet

T = TypeVar("T")


class Boite:
    """Between `start` and `stop`."""

    def __init__(self, courrier: Courrier, guichet: Guichet, *, delai: float) -> None:
        self._courrier = courrier
        self._guichet = guichet
        self.delai = delai
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="courrier", daemon=True)
        self._partenaire: PartenaireCourrier | None = None

    @property
    def partenaire(self) -> PartenaireCourrier:
        """The robot; only its immutable parts may be used from another thread."""
        assert self._partenaire is not None
        return self._partenaire

    def start(self) -> None:
        """Listen where the profile says."""
        self._thread.start()
        self._run(self._start())

    def stop(self) -> None:
        """Stop listening."""
        if self._partenaire is not None:
            self._run(self._partenaire.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def send(self, *pieces: Piece, mail: bytes | None = None, message_id: str = "", **how: Any) -> str:
        """Compose and send, or send `mail`; the Message-ID. Raises Empeche when the target takes no mail."""
        identifier = message_id or f"kit-{datetime.now(UTC).timestamp()}"
        data = mail or self.partenaire.compose(pieces, message_id=identifier, **how)
        try:
            self._run(self.partenaire.send(data))
        except (OSError, aiosmtplib.SMTPException) as error:
            raise Empeche(f"le message n'a pas été pris : {error}") from None
        return f"{identifier}@partenaire.example"

    def wait(self, fact: Callable[[list[Recu]], bool], delai: float = 0) -> bool:
        """Wait for the mails that make `fact` true; False when they have not come in time."""
        waiting = self.partenaire.wait_for(fact)
        try:
            self._run(asyncio.wait_for(waiting, delai or self.delai))
        except TimeoutError:
            return False
        return True

    def answer(self, message_id: str) -> Recu | None:
        """The answer to a message, or None when it does not come."""
        self.wait(lambda recus: any(each.en_reponse_a == message_id for each in recus))
        return next((each for each in self.partenaire.recus if each.en_reponse_a == message_id), None)

    def stranger(self) -> Paire:
        """A key that nobody has registered."""
        now = datetime.now(UTC)
        made = create_autorite("Inconnue", now=now).issue_guichet(
            self._guichet.code, now=now, duree=timedelta(days=30)
        )
        return load_paire(made.chaine, made.cle)

    async def _start(self) -> None:
        told = self._courrier
        signature = _certificat(told.signature)
        hub = Echangeur(
            told.adresse,
            told.hote,
            told.port,
            _certificat(told.chiffrement),
            signature.empreinte,
            client_context(Path(told.autorites)) if told.autorites else None,
        )
        paire = _paire(self._guichet)
        self._partenaire = PartenaireCourrier(told.local_adresse, paire, hub)
        await self._partenaire.start(told.local_hote, told.local_port)

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(self.delai * 4)


def _certificat(fichier: str) -> Certificat:
    lu = read_certificat(Path(fichier).read_bytes())
    if isinstance(lu, CertificatIllisible):
        raise Empeche(f"{fichier} : {lu.message}")
    return lu


def _paire(guichet: Guichet) -> Paire:
    return load_paire(Path(guichet.certificat).read_bytes(), Path(guichet.cle).read_bytes())

"""Those who speak with the hub and judge it: authors, and partners of the three channels.

The authors send the same bytes until they are answered; the partners keep before they acknowledge; the mail
server of a partner tries again until the hub takes its mail.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import itertools
import ssl
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import aiosmtplib

from conformance.client_reference import ClientReference, Lecture, num_unique_request, read_answer
from conformance.partenaire_courrier import PartenaireCourrier
from conformance.retrait_reference import Distribution, Refuse, RetraitReference
from echangeur.demo.fichiers import follow_up, wish
from schemas.generation import generate_demandes
from tests.secousses.processus import DELAI

T = TypeVar("T")
AUTEUR: Final = "G1104"
CERTIFICAT: Final = f"CER{AUTEUR}-202601010000.pem"
SOUHAIT: Final = "93066"
SUITES: Final = ("93048", "93001", "93010")
"""Communes that the changes of a demande add one after the other."""
NUMERO: Final = "demande/demandeLogement/numUnique"
_AUTEURS: Final = 6
_PATIENCE: Final = 0.05
"""Seconds before an author sends again."""
_REPONSE: Final = 3.0
"""Seconds that a caller waits for an answer: the silence of a cable pulled out is shorter or longer."""


@dataclass(frozen=True, slots=True)
class Fait:
    """One file of an author and its answer. version: 1 for the creation, then the changes."""

    dossier: int
    version: int
    envoye: bytes
    nom: str
    recu: Lecture
    brut: bytes

    @property
    def numero(self) -> str:
        return self.recu.find(NUMERO)


class Auteurs:
    """The authors of `AUTEUR`. faits: what they were told for good. renvois: how often they sent again."""

    def __init__(self, adresse: str, contexte: ssl.SSLContext, graine: str) -> None:
        self._adresse = adresse
        self._contexte = contexte
        self._pool = ThreadPoolExecutor(_AUTEURS, thread_name_prefix="auteur")
        self._demandes = generate_demandes(graine, 1_000_000, communes=[SOUHAIT], association=False)
        self._rangs = itertools.count()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.faits: list[Fait] = []
        self.renvois = 0

    def close(self) -> None:
        self._closed.set()
        self._pool.shutdown()

    def launch(self, suites: int) -> Future[None]:
        """A new demande, then that many changes of it, each once the one before is answered."""
        with self._lock:
            dossier, document = next(self._rangs), next(self._demandes)
        return self._pool.submit(self._play, dossier, document, suites)

    def send(self, nom: str, document: bytes) -> tuple[Lecture, bytes]:
        """The answer, whatever it takes: a cut connection or a fault of the hub is sent again."""
        body = num_unique_request(nom, document, CERTIFICAT)
        client = ClientReference(self._adresse, self._contexte, delai=_REPONSE)
        while not self._closed.is_set():
            with suppress(OSError, http.client.HTTPException):
                brut = client.post("getNumUnique", body)
                lecture = read_answer(brut)
                # A fault whose code is Receiver is theirs: sending again may succeed.
                if ":Receiver<" not in lecture.erreur:
                    return lecture, brut
            with self._lock:
                self.renvois += 1
            time.sleep(_PATIENCE)
        raise RuntimeError("la séance finit")

    def _play(self, dossier: int, document: bytes, suites: int) -> None:
        for version in range(1, suites + 2):
            nom = f"DEM{AUTEUR}-202601010000-{dossier * 10 + version:06}.xml"
            lecture, brut = self.send(nom, document)
            assert not lecture.erreur, lecture.erreur
            assert not lecture.anomalies, lecture.anomalies
            with self._lock:
                self.faits.append(Fait(dossier, version, document, nom, lecture, brut))
            if version <= suites:
                connue = lecture.document.encode()
                document = follow_up(connue, "MOD", AUTEUR, datetime.now(UTC), wish(SUITES[version - 1]))


class Boucle:
    """An event loop in a thread, for the partners that serve."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="partenaires")
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine, run there."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DELAI)

    def close(self) -> None:
        self.run(self._cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DELAI)
        self._loop.close()

    async def _cancel(self) -> None:
        taches = asyncio.all_tasks() - {asyncio.current_task()}
        for tache in taches:
            tache.cancel()
        await asyncio.gather(*taches, return_exceptions=True)


class Correspondant(PartenaireCourrier):
    """The mail robot of a partner, behind a mail server that tries again until the hub takes its mail."""

    async def send(self, mail: bytes, expediteur: str | None = None) -> str:
        while True:
            hub = self.echangeur
            client = aiosmtplib.SMTP(hostname=hub.hote, port=hub.port, timeout=_REPONSE, start_tls=False)
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with client:
                    _, answer = await client.sendmail(expediteur or self.adresse, [hub.adresse], mail)
                return answer
            await asyncio.sleep(_PATIENCE)


@dataclass(frozen=True, slots=True)
class Arrivee:
    """A distribution as a partner got it for the first time, in the order of arrival."""

    id: str
    sequence: int
    contenu: bytes

    @property
    def empreinte(self) -> str:
        return hashlib.sha256(self.contenu).hexdigest()


class Visiteur:
    """The partner that comes for its distributions, again and again, in a thread.

    arrivees: what it handled, in order; the reference partner handles each once, or this session sees it.
    """

    def __init__(self, adresse: str, contexte: ssl.SSLContext, base: Path) -> None:
        self._words = (adresse, contexte, base)
        self._closed = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._come, name="visiteur")
        self.arrivees: list[Arrivee] = []

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Come at once."""
        self._wake.set()

    def close(self) -> None:
        self._closed.set()
        self._wake.set()
        self._thread.join(DELAI)

    def _come(self) -> None:
        adresse, contexte, base = self._words

        def handle(_conn: object, distribution: Distribution) -> None:
            assert distribution.contenu is not None
            self.arrivees.append(Arrivee(distribution.id, distribution.sequence, distribution.contenu))

        client = RetraitReference(adresse, contexte, base, handle)
        try:
            while not self._closed.is_set():
                with suppress(OSError, Refuse, http.client.HTTPException):
                    client.passer()
                self._wake.wait(0.25)
                self._wake.clear()
        finally:
            client.close()

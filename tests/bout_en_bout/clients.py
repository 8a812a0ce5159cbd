"""Sixteen reference clients that register demandes, and send the same bytes again until they are answered."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from certs.tls import client_context
from conformance.client_reference import (
    ClientReference,
    Lecture,
    demande_logement_request,
    num_unique_request,
    read_answer,
)
from tests.bout_en_bout.monde import AUTEURS, Depot, certificats
from tests.bout_en_bout.processus import DELAI, Serveur

CLIENTS = 16
CERTIFICAT = "CERG1104-202601010000.pem"
T = TypeVar("T")


class Clients:
    """The clients of the authors, towards a hub that may die and come back elsewhere.

    reponses: by rank of the demande, what was answered for good. renvois: how many times something was sent
    again. pannes: the faults that said that the hub was at fault.
    """

    def __init__(self, dossier: Path, serveur: Serveur) -> None:
        self._serveur = serveur
        self._contexts = {bureau.code: _context(certificats(dossier, bureau.code)) for bureau in AUTEURS}
        self._pool = ThreadPoolExecutor(CLIENTS, thread_name_prefix="client")
        self.reponses: dict[int, Lecture] = {}
        self.renvois = 0
        self.pannes: list[str] = []
        self.changed = threading.Condition()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def register_all(self, depots: Sequence[Depot]) -> Iterable[None]:
        """Hand the demandes to the clients, in order; what is returned raises what they raise."""
        return self._pool.map(self.register, depots)

    def register(self, depot: Depot) -> None:
        """Register one demande: the same bytes until the hub answers."""
        nom = f"DEM{depot.auteur}-202601010000-{depot.rang:06}.xml"
        body = num_unique_request(nom, depot.document, CERTIFICAT)
        lecture = self.send(depot.auteur, "getNumUnique", body)
        assert not lecture.erreur, lecture.erreur
        assert not lecture.anomalies, lecture.anomalies
        with self.changed:
            self.reponses[depot.rang] = lecture
            self.changed.notify_all()

    def read(self, auteur: str, numero: str) -> Lecture:
        """Read a demande."""
        return self.send(auteur, "getDemandeLogement", demande_logement_request(numero, CERTIFICAT))

    def map(self, function: Callable[..., T], *arguments: Iterable[object]) -> list[T]:
        """Do something with all the clients at once."""
        return list(self._pool.map(function, *arguments))

    def wait_for(self, count: int) -> None:
        """Wait until that many demandes have been answered."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.reponses) >= count, DELAI), len(self.reponses)

    def send(self, auteur: str, operation: str, body: bytes) -> Lecture:
        """The answer, whatever it takes: a cut connection or a fault of the hub is sent again."""
        generation, adresse = self._serveur.reach(0)
        while True:
            client = ClientReference(adresse, self._contexts[auteur])
            try:
                lecture = read_answer(client.post(operation, body))
            except (OSError, http.client.HTTPException):
                self._note()
                generation, adresse = self._serveur.reach(generation)
                continue
            if not _is_their_fault(lecture):
                return lecture
            self._note(lecture.erreur)
            # A patience, not a synchronisation: the others go on, as partners do.
            time.sleep(0.05)

    def _note(self, panne: str = "") -> None:
        with self.changed:
            self.renvois += 1
            if panne:
                self.pannes.append(panne)
            self.changed.notify_all()


def _context(folder: Path) -> ssl.SSLContext:
    return client_context(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


def _is_their_fault(lecture: Lecture) -> bool:
    """A SOAP 1.2 fault whose code is Receiver: sending again may succeed."""
    return ":Receiver<" in lecture.erreur

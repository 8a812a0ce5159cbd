"""The reference partner as the kit drives it: its client, its service of reception, its passages."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from certs.autorite import create_autorite
from certs.tls import client_context, server_context
from conformance.client_reference import ClientReference, Lecture
from conformance.partenaire_reference import PartenaireReference
from conformance.profil import Profil, read_profil
from conformance.pupitre import Compte, Pilote
from conformance.retrait_reference import Refuse, RetraitReference

CODE = "G1104"


class Service:
    """A `PartenaireReference` on a loop and a thread of its own."""

    def __init__(self, partenaire: PartenaireReference) -> None:
        self.partenaire = partenaire
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> str:
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self.partenaire.start("localhost"), self._loop).result(30)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.partenaire.stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


@contextmanager
def partner(folder: Path, service: type[PartenaireReference] = PartenaireReference) -> Iterator[Profil]:
    """The profile of a reference partner whose service listens."""
    now = datetime.now(UTC)
    autorite = create_autorite("Essai", now=now)
    autorite.issue_guichet("HUB00", now=now).write(folder / "hub")
    autorite.issue_guichet(CODE, now=now).write(folder / "partenaire")
    own = folder / "partenaire"
    running = Service(service(server_context(own / "cert.pem", own / "key.pem", own / "ca.pem")))
    adresse = running.start()
    try:
        (folder / "profil.toml").write_text(_PROFIL.format(code=CODE, adresse=adresse), encoding="utf-8")
        yield read_profil(folder / "profil.toml")[0]
    finally:
        running.stop()


_PROFIL = """
[cible]
nom = "Partenaire de référence"
delai = 120.0
capacites = ["appels", "réception des distributions", "retrait des distributions"]
[guichets.emetteur]
code = "{code}"
certificat = "partenaire/cert.pem"
cle = "partenaire/key.pem"
[reception]
adresse = "{adresse}"
[pilotage]
certificat = "hub/cert.pem"
cle = "hub/key.pem"
autorites = "hub/ca.pem"
"""


def pilot(
    folder: Path,
    client: type[ClientReference] = ClientReference,
    retrait: type[RetraitReference] = RetraitReference,
) -> Pilote:
    """Drives the client of reference, in this process; its base of distributions is kept from one passage to
    the next."""

    def act(action: str, words: Mapping[str, str]) -> Compte:
        own = folder / "partenaire"
        context = client_context(own / "ca.pem", own / "cert.pem", own / "key.pem")
        if action == "relever":
            return _fetch(words["adresse"], context, folder / "retrait.sqlite", retrait)
        caller = client(words["adresse"], context, delai=120)
        document = Path(words["document"]).read_bytes().decode().encode("ascii", "xmlcharrefreplace")
        try:
            match action:
                case "enregistrer":
                    return _told(caller.num_unique("DEM.xml", document), "demande/demandeLogement/numUnique")
                case "lire":
                    found = caller.demande_logement(words["numero"])
                    return _told(found, "demande/demandeLogement/numUnique")
                case _:
                    found = caller.doublons("DEM.xml", document)
                    # This client cannot tell « none » from a failure (interface/wire §4).
                    return _told(found, "")
        except (OSError, ElementTree.ParseError, ValueError) as error:
            return Compte(False, f"{type(error).__name__} : {error}")

    return act


def _told(lecture: Lecture, path: str) -> Compte:
    if not lecture.document or lecture.anomalies:
        return Compte(False, lecture.erreur + " ".join(code for code, _ in lecture.anomalies))
    return Compte(True, lecture.find(path) if path else lecture.document)


def _fetch(adresse: str, context: ssl.SSLContext, base: Path, retrait: type[RetraitReference]) -> Compte:
    client = retrait(adresse, context, base)
    try:
        return Compte(True, str(client.passer()))
    except (OSError, Refuse) as error:
        return Compte(False, str(error))
    finally:
        client.close()

"""Two soap, two worker and a console behind haproxy, on one PostgreSQL: killed, restarted, upgraded."""

from __future__ import annotations

import http.client
import itertools
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from console.securite import COOKIE_AVANT, make_jeton
from echangeur.instance import create_instance
from registry.database import open_engine
from registry.numero_unique import parse
from tests.bout_en_bout.clients import Clients
from tests.bout_en_bout.conftest import Scene
from tests.bout_en_bout.constats import NUMERO, check_attempts, check_deliveries, check_journal, check_numbers
from tests.bout_en_bout.monde import administer, generate_depots, settle
from tests.bout_en_bout.partenaires import Partenaires
from tests.bout_en_bout.processus import Serveur, eventually
from tests.bout_en_bout.repartiteur import ADRESSE, FICHIER, Ports, Repartiteur, configure
from tests.interop.serveurs import free_ports
from tests.secousses.processus import Hub, Pepiniere, is_dead
from tools.etrangers import Chaine, chaine

MORT, REDEMARRE, PLUS_TARD = 80, 60, 40
"""Demandes registered while processes are killed; while each is restarted; on a later schema."""


class Devant:
    """The address of haproxy, which does not change: what a client that failed is told to try again."""

    def __init__(self, adresse: str) -> None:
        self._adresse = adresse
        self._generations = itertools.count(1)

    def reach(self, known: int) -> tuple[int, str]:
        return next(self._generations), self._adresse


@dataclass(frozen=True, slots=True)
class Topologie:
    """All of it, running. base: address of the database; console: port of haproxy for it."""

    scene: Scene
    hubs: dict[str, Hub]
    repartiteur: Repartiteur
    base: str
    console: int


@pytest.fixture
def topologie(place: Path, database_url: str) -> Iterator[Topologie]:
    found = chaine("haproxy")
    if not isinstance(found, Chaine):
        pytest.skip(found.raison)
    dossier = place / "instance"
    create_instance(dossier, now=datetime.now(UTC), url=database_url)
    fichier = dossier / "echangeur.toml"
    fichier.write_text(
        fichier.read_text()
        .replace("mandataires = []", f'mandataires = ["{ADRESSE}"]')
        .replace("delai_retrait = 0.0", "delai_retrait = 3.0")
    )
    devant, console, *libres = free_ports(12)
    ports = {
        nom: Ports(libres.pop(), libres.pop()) for nom in ("soap1", "soap2", "console1", "worker1", "worker2")
    }
    with ExitStack() as stack:
        partenaires = Partenaires(dossier)
        stack.callback(partenaires.stop)
        settle(dossier, partenaires.start(), administer)
        pepiniere = Pepiniere(place)
        stack.callback(pepiniere.close)
        hubs = {nom: _hub(pepiniere, dossier, nom, each) for nom, each in ports.items()}
        for hub in hubs.values():
            hub.launch()
        for hub in hubs.values():
            hub.wait_ready()
        texte = configure(FICHIER.read_text(encoding="utf-8"), {"8443": devant, "8444": console}, ports)
        repartiteur = Repartiteur(found, place, texte)
        stack.callback(repartiteur.close)
        repartiteur.wait_listening(devant)
        serveur = cast(Serveur, Devant(f"https://localhost:{devant}"))
        clients = Clients(dossier, serveur)
        stack.callback(clients.close)
        scene = Scene(dossier, serveur, partenaires, clients)
        yield Topologie(scene, hubs, repartiteur, database_url, console)


def _hub(pepiniere: Pepiniere, dossier: Path, nom: str, ports: Ports) -> Hub:
    role = nom[:-1]
    words: list[Any] = ["--instance", dossier, "serve", "--role", role]
    words += ["--port-administration", ports.administration]
    words += {"soap": ["--port", ports.service], "console": ["--port-console", ports.service]}.get(role, [])
    return pepiniere.hub(nom, [str(word) for word in words], dossier / f"{nom}.log")


@pytest.mark.slow
@pytest.mark.foreign
def test_behind_haproxy(topologie: Topologie) -> None:
    """[EXP-32] [EXP-33] [EXP-40] [EXP-41] The certificate of the partner and the address of who calls go
    through; a process that is killed is taken out and in again, and what it had is done by the others; one
    after the other, all are restarted without a refusal; the schema of a later version is served by those
    that run, and refused by those that start."""
    scene, hubs, repartiteur = topologie.scene, topologie.hubs, topologie.repartiteur
    depots = generate_depots("répartiteur", MORT + REDEMARRE + PLUS_TARD)
    flow = scene.clients.register_all(depots[:MORT])
    scene.clients.wait_for(MORT // 4)
    hubs["soap1"].kill()
    hubs["worker1"].kill()
    list(flow)
    repartiteur.wait_states("soap1", "DOWN")
    scene.partenaires.wait_for(sum(len(depot.destinataires) for depot in depots[:MORT]))
    hubs["soap1"].start()
    hubs["worker1"].start()
    repartiteur.wait_states("soap1", "DOWN", "UP")

    renvois = scene.clients.renvois
    flow = scene.clients.register_all(depots[MORT : MORT + REDEMARRE])
    with _calling(scene):
        for nom, avant in (("soap2", ()), ("soap1", ("DOWN", "UP"))):
            hubs[nom].stop()
            hubs[nom].start()
            repartiteur.wait_states(nom, *avant, "DOWN", "UP")
        for nom in ("worker1", "worker2"):
            hubs[nom].stop()
            hubs[nom].start()
    list(flow)
    assert scene.clients.renvois == renvois, scene.clients.pannes

    engine = open_engine(topologie.base)
    with engine.begin() as conn:
        connue = conn.scalar(text("SELECT version_num FROM version_schema"))
        conn.execute(text("ALTER TABLE demande ADD COLUMN plus_tard text NOT NULL DEFAULT ''"))
        conn.execute(text("UPDATE version_schema SET version_num = '9999_plus_tard'"))
    flow = scene.clients.register_all(depots[MORT + REDEMARRE :])
    with _calling(scene):
        hubs["soap2"].stop()
        hubs["soap2"].launch()
        eventually(lambda: is_dead(hubs["soap2"].pid), "le programme d'avant démarre")
    assert "9999_plus_tard, celui d'un programme plus récent" in hubs["soap2"].tail()
    list(flow)
    assert scene.clients.renvois == renvois, scene.clients.pannes
    with engine.begin() as conn:
        conn.execute(text("UPDATE version_schema SET version_num = :connue"), {"connue": connue})
        conn.execute(text("ALTER TABLE demande DROP COLUMN plus_tard"))

    assert _try_to_enter(topologie, depuis="127.0.0.9") == 422
    with engine.connect() as conn:
        cles = conn.scalars(text("SELECT cle FROM frein_connexion WHERE cle LIKE 'adresse:%'")).all()
    assert cles == ["adresse:127.0.0.9"]
    engine.dispose()

    numeros = check_numbers(scene, depots)
    expected = sum(len(depot.destinataires) for depot in depots)
    scene.partenaires.wait_for(expected)
    check_attempts(scene, expected)
    assert check_deliveries(scene, depots, numeros) == expected
    check_journal(scene, len(depots))


@contextmanager
def _calling(scene: Scene) -> Iterator[None]:
    """Somebody calls all the time meanwhile: a refusal would be counted with those of the clients."""
    stop = threading.Event()
    numero = scene.clients.reponses[0].find(NUMERO)
    auteur = parse(numero)
    assert auteur is not None
    lues: list[str] = []

    def call() -> None:
        while not stop.wait(0.05):
            lues.append(scene.clients.read(auteur.guichet, numero).find(NUMERO))

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert set(lues) == {numero}


def _try_to_enter(topologie: Topologie, *, depuis: str) -> int:
    """A password that is nobody's, typed on the console from that address; the status of the answer."""
    context = ssl.create_default_context(cafile=str(topologie.scene.dossier / "autorite" / "ca.pem"))
    with closing(
        http.client.HTTPSConnection(
            "localhost", topologie.console, context=context, timeout=60, source_address=(depuis, 0)
        )
    ) as connection:
        champs = {"courriel": "personne@exemple.fr", "mot_de_passe": "x", "code": "", "suite": ""}
        connection.request(
            "POST",
            "/connexion",
            urlencode({**champs, "jeton": make_jeton("avant")}),
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": f"{COOKIE_AVANT}=avant",
                "Origin": f"https://localhost:{topologie.console}",
            },
        )
        return connection.getresponse().status

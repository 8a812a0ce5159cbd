"""A hub on loopback behind mutual TLS, with handlers that only remember what they were given."""

from __future__ import annotations

import asyncio
import hashlib
import io
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.autorite import create_autorite
from certs.tls import client_context, server_context
from registry.anomalies import Anomalie
from registry.certificats import CERTIFICAT_INCONNU
from registry.clock import FixedClock
from registry.echanges import (
    Echange,
    Emetteur,
    Fichier,
    Refus,
    ReponseDemandeLogement,
    ReponseDoublons,
    ReponseNumUnique,
)
from registry.guichets import Guichet, TypeGuichet
from soap.operations import Refuser, Servie, Traitement
from soap.server import Limites, create_app, create_runner
from tests.soap.messages import DOUBLONS, REPONSE

CHEMIN = "/services/DemandeLogementImplService"
NOM = "DEMG1104-202603161030-000001.xml"


@dataclass(frozen=True)
class Pki:
    """Files and contexts of one authority, one server and three clients."""

    dossier: Path

    def serveur(self) -> ssl.SSLContext:
        folder = self.dossier / "serveur"
        return server_context(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")

    def client(self, nom: str | None = None) -> ssl.SSLContext:
        if nom is None:
            return client_context(self.dossier / "serveur" / "ca.pem")
        folder = self.dossier / nom
        return client_context(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")

    def empreinte(self, nom: str) -> str:
        certificate = x509.load_pem_x509_certificate((self.dossier / nom / "cert.pem").read_bytes())
        return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    now = datetime.now(UTC)  # OpenSSL judges validity by the clock of the machine
    autorite = create_autorite(now=now)
    autorite.issue_serveur(now=now).write(folder / "serveur")
    for code in ("G1104", "G1226", "INCON"):
        autorite.issue_guichet(code, now=now).write(folder / code)
    return Pki(folder)


class FauxTraitement:
    """Remembers what it is given, in order; answers what it is told to."""

    def __init__(self) -> None:
        self.suite: list[str] = []
        self.echanges: list[Echange] = []
        self.fichiers: list[bytes] = []
        self.refus: list[tuple[Echange, tuple[Anomalie, ...]]] = []
        self.reponse: Refus | Exception | None = None
        self.doublons = ReponseDoublons(doublons=Fichier("DBL.xml", DOUBLONS))

    async def receive(self, echange: Echange) -> None:
        self.suite.append("receive")
        self.echanges.append(echange)

    async def refuse(self, echange: Echange, anomalies: tuple[Anomalie, ...]) -> None:
        self.suite.append("refuse")
        self.refus.append((echange, anomalies))

    def _seen(self, name: str, echange: Echange, fichier: bytes) -> Refus | None:
        self.suite.append(name)
        self.echanges.append(echange)
        self.fichiers.append(fichier)
        if isinstance(self.reponse, Exception):
            raise self.reponse
        return self.reponse

    async def get_num_unique(self, echange: Echange, fichier: bytes) -> ReponseNumUnique | Refus:
        return self._seen("get_num_unique", echange, fichier) or ReponseNumUnique(Fichier(NOM, REPONSE))

    async def get_demande_logement(self, echange: Echange, num_unique: str) -> ReponseDemandeLogement | Refus:
        seen = self._seen("get_demande_logement", echange, num_unique.encode())
        return seen or ReponseDemandeLogement(Fichier(NOM, REPONSE))

    async def get_doublons(self, echange: Echange, fichier: bytes) -> ReponseDoublons | Refus:
        return self._seen("get_doublons", echange, fichier) or self.doublons


@dataclass
class FauxIdentites:
    connus: dict[str, Emetteur] = field(default_factory=dict)

    async def resolve(self, empreinte: str) -> Emetteur | Anomalie:
        return self.connus.get(empreinte) or CERTIFICAT_INCONNU(empreinte)


def guichet(code: str) -> Guichet:
    return Guichet(code, f"Guichet {code}", TypeGuichet.BAILLEUR, "552046484", frozenset({"111"}))


@dataclass
class Reponse:
    """An HTTP answer, read."""

    statut: int
    entetes: dict[str, str]
    corps: bytes

    @property
    def texte(self) -> str:
        return self.corps.decode()


@dataclass
class Hub:
    """The hub as a client sees it. `traitement` is asked for in the tests without database only."""

    port: int
    pki: Pki
    traitement: FauxTraitement = field(default_factory=FauxTraitement)

    @property
    def adresse(self) -> str:
        return f"https://localhost:{self.port}"

    async def send(
        self,
        method: str,
        chemin: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        client: str | None = "G1104",
        chunked: bool = False,
    ) -> Reponse:
        connector = aiohttp.TCPConnector(ssl=self.pki.client(client), force_close=True)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            data = _chunks(body or b"") if chunked else None if body is None else io.BytesIO(body)
            async with session.request(method, self.adresse + chemin, data=data, headers=headers) as answer:
                found = {name.title(): value for name, value in answer.headers.items()}
                return Reponse(answer.status, found, await answer.read())

    async def post(
        self,
        body: bytes,
        content_type: str | None,
        *,
        chemin: str = CHEMIN,
        client: str | None = "G1104",
        headers: dict[str, str] | None = None,
        chunked: bool = False,
    ) -> Reponse:
        """POST with this Content-Type, or none at all."""
        kind = {} if content_type is None else {"Content-Type": content_type}
        return await self.send("POST", chemin, body, {**kind, **(headers or {})}, client, chunked)


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def start_server(
    pki: Pki,
    traitement: Traitement,
    clock: FixedClock,
    guichets: Sequence[Guichet],
    limites: Limites | None = None,
    refuser: Refuser | None = None,
    autres: Mapping[str, Servie] | None = None,
) -> tuple[web.AppRunner, int]:
    """The server on a free port of loopback, where each guichet has the certificate of its code."""
    identites = FauxIdentites(
        {pki.empreinte(each.code): Emetteur(each, pki.empreinte(each.code)) for each in guichets}
    )
    runner = create_runner(
        create_app(traitement, identites, clock, limites=limites, refuser=refuser, autres=autres)
    )
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=pki.serveur()).start()
    return runner, runner.addresses[0][1]


async def start_hub(
    pki: Pki, traitement: FauxTraitement, clock: FixedClock, limites: Limites | None = None
) -> tuple[web.AppRunner, Hub]:
    guichets = [guichet("G1104"), guichet("G1226")]
    runner, port = await start_server(pki, traitement, clock, guichets, limites, traitement.refuse)
    return runner, Hub(port, pki, traitement)


@pytest_asyncio.fixture
async def hub(pki: Pki, clock: FixedClock) -> AsyncIterator[Hub]:
    runner, hub = await start_hub(pki, FauxTraitement(), clock, Limites(octets=64 << 10, secondes=0.3))
    yield hub
    await stop_hub(runner)


async def stop_hub(runner: web.AppRunner) -> None:
    """Stop the server, and let the loop see the end of the TLS connections that clients have closed."""
    await runner.cleanup()
    for _ in range(50):
        await asyncio.sleep(0)

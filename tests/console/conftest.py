"""A console served over TLS on loopback, on a small world, with a browser signed in as anybody.

``monde``: what is in the base (tests/console/monde.py). ``console``: asks pages as an account:
``await console.get("/", (ProfilCompte.GUICHET, "G0591"))``. ``console_navigateur``: the same in a real
Chromium (tests/console/chromium.py).
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Engine, text

from certs.autorite import create_autorite
from certs.tls import client_context, server_context
from console.application import create_console, create_console_runner
from console.coffre import Coffre, create_cles
from console.moyens import Moyens
from console.reglages import Console
from console.services import Services
from echangeur.ecoute import bind
from registry.clock import FixedClock
from registry.database import open_engine
from registry.embedded import EmbeddedPostgres
from tests.console.chromium import Pilote, drive, launch
from tests.console.monde import Monde, build_monde, copy_monde
from tests.console.moyens import build_moyens
from tests.console.navigateur import Navigateur
from tests.registry.fabrique import RECU_LE
from tools.etrangers import Absence, Chaine, chaine

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What drives the browser bears the marker ``ecran``: `python -m tools.captures` runs it alone."""
    for item in items:
        if "console_navigateur" in getattr(item, "fixturenames", ()):
            item.add_marker("ecran")


@pytest.fixture(scope="session")
def modele(postgres: EmbeddedPostgres, administration: Engine) -> Iterator[tuple[str, Monde]]:
    """The world, built once: the database that the others are copies of."""
    with _database(postgres, administration, f"monde_{os.getpid()}", "modele") as url:
        engine = open_engine(url)
        built = build_monde(engine, FixedClock(RECU_LE))
        engine.dispose()
        yield url, built


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, administration: Engine
) -> Iterator[str]:
    """A copy of the world when the test asks for it; otherwise an empty database."""
    template = "modele"
    if "monde" in request.fixturenames:
        request.getfixturevalue("modele")
        template = f"monde_{os.getpid()}"
    with _database(postgres, administration, f"console_{os.getpid()}_{next(_numbers)}", template) as url:
        yield url


@contextmanager
def _database(server: EmbeddedPostgres, admin: Engine, name: str, template: str) -> Iterator[str]:
    with admin.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    yield server.url(name)
    with admin.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def monde(engine: Engine, clock: FixedClock, modele: tuple[str, Monde]) -> Monde:
    """What is in the base of this test, with a scene to add to it."""
    return copy_monde(modele[1], engine, clock)


@dataclass(frozen=True)
class PkiConsole:
    """The certificate of the console, and contexts that trust it."""

    dossier: Path

    def serveur(self) -> ssl.SSLContext:
        return server_context(self.dossier / "cert.pem", self.dossier / "key.pem", self.dossier / "ca.pem")

    def client(self) -> ssl.SSLContext:
        return client_context(self.dossier / "ca.pem")

    def spki(self) -> str:
        """By what a browser is told to take this certificate for a good one: SHA-256 of its key, base64."""
        certificate = x509.load_pem_x509_certificate((self.dossier / "cert.pem").read_bytes())
        der = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(der).digest()).decode()


@pytest.fixture(scope="session")
def pki_console(tmp_path_factory: pytest.TempPathFactory) -> PkiConsole:
    folder = tmp_path_factory.mktemp("pki-console")
    now = datetime.now(UTC)  # OpenSSL judges validity by the clock of the machine
    create_autorite(now=now).issue_serveur(now=now).write(folder)
    return PkiConsole(folder)


@pytest.fixture
def moyens(tmp_path: Path) -> Moyens:
    """The keys and the certificates of an instance, in a folder of the test."""
    return build_moyens(tmp_path / "instance")


@pytest.fixture
def coffre(tmp_path: Path) -> Coffre:
    """Keys that seal, in a file of the test."""
    create_cles(tmp_path / "scellement.cles")
    return Coffre(tmp_path / "scellement.cles")


@pytest.fixture
def services(engine: Engine, clock: FixedClock, coffre: Coffre, moyens: Moyens) -> Services:
    return Services(engine, clock, Console(essais_locaux=True), coffre, moyens)


@pytest.fixture
def ecoute() -> Iterator[socket.socket]:
    """Where the console of the test listens."""
    with closing(bind("127.0.0.1", 0)) as sock:
        yield sock


@pytest_asyncio.fixture
async def console(
    services: Services, monde: Monde, pki_console: PkiConsole, ecoute: socket.socket
) -> AsyncIterator[Navigateur]:
    async with serve_console(services, monde, pki_console, ecoute) as navigateur:
        yield navigateur


@asynccontextmanager
async def serve_console(
    services: Services, monde: Monde, pki_console: PkiConsole, ecoute: socket.socket
) -> AsyncIterator[Navigateur]:
    """A console that serves, and what asks pages of it."""
    runner = create_console_runner(create_console(services))
    await runner.setup()
    site = web.SockSite(runner, ecoute, ssl_context=pki_console.serveur())
    await site.start()
    port = ecoute.getsockname()[1]
    connector = aiohttp.TCPConnector(ssl=pki_console.client())
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:
        yield Navigateur(f"https://localhost:{port}", client, services, monde)
    await runner.cleanup()


@pytest.fixture(scope="session")
def chromium() -> Chaine:
    """Debian's Chromium, installed in the cache of the user if it can be; its tests are skipped if not."""
    found = chaine("chromium")
    if isinstance(found, Absence):
        pytest.skip(f"Chromium : {found.raison}")
    return found


@pytest_asyncio.fixture
async def console_navigateur(
    chromium: Chaine, console: Navigateur, pki_console: PkiConsole
) -> AsyncIterator[Pilote]:
    async with launch(chromium, pki_console.spki()) as browser, drive(browser, console) as pilote:
        yield pilote

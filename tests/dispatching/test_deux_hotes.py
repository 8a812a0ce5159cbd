"""Two hosts on one PostgreSQL: each in its network namespace, with its address and its cable."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import Engine, make_url, text

from filters.language import Filtre
from registry.clock import FixedClock, SystemClock
from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres
from tests.dispatching.scene import Scene
from tests.registry.fabrique import RECU_LE
from tests.secousses.reseau import BOUCLE, Reseau

GUICHETS = tuple(f"G{2 + rang:04}" for rang in range(12))
DEMANDES = 20
VERSIONS = 2
TOTAL = len(GUICHETS) * DEMANDES * VERSIONS
TIMEOUT = 120


class Partenaire:
    """All the guichets: what they were given, by which host, and in what order. Slow enough that each host
    has some in progress at any time."""

    def __init__(self) -> None:
        self.recus: dict[str, tuple[str, str, int]] = {}
        self.par_hote: dict[str, int] = defaultdict(int)
        self.ordre: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.presents: set[str] = set()
        self.tous = asyncio.Event()
        self.changed = asyncio.Condition()

    async def receive(self, request: web.Request) -> web.Response:
        query = request.query
        await request.read()
        # The first host to start waits here for the other, or it might have done all before that one came.
        self.presents.add(query["hote"])
        if len(self.presents) == 2:
            self.tous.set()
        await self.tous.wait()
        await asyncio.sleep(0.02)
        known = query["id"] in self.recus
        if not known:
            self.recus[query["id"]] = (query["guichet"], query["numero"], int(query["sequence"]))
            self.par_hote[query["hote"]] += 1
            self.ordre[query["guichet"], query["numero"]].append(int(query["sequence"]))
            async with self.changed:
                self.changed.notify_all()
        return web.Response(text="DEJA_RECU" if known else "RECU")

    async def until(self, condition: object) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(condition), TIMEOUT)  # type: ignore[arg-type]


@asynccontextmanager
async def listening(partenaire: Partenaire) -> AsyncIterator[int]:
    """The partner, on a port of loopback."""
    app = web.Application()
    app.router.add_post("/", partenaire.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    sock = socket.create_server((BOUCLE, 0))
    await web.SockSite(runner, sock).start()
    try:
        yield sock.getsockname()[1]
    finally:
        await runner.cleanup()


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Engine]:
    """A PostgreSQL that listens by TCP, on loopback."""
    with socket.create_server((BOUCLE, 0)) as free:
        port = free.getsockname()[1]
    settings = {"listen_addresses": BOUCLE, "port": str(port), "fsync": "off"}
    folder = tmp_path / "base"
    tmp_path.chmod(0o755)
    with EmbeddedPostgres(folder, settings=settings) as server:
        engine = open_engine(server.url())
        upgrade(engine)
        yield engine
        engine.dispose()


def fill(engine: Engine) -> None:
    """What waits for the guichets: two versions of each demande."""
    scene = Scene(engine, FixedClock(RECU_LE))
    # The hosts have the clock of the machine: what is made long before would be past its deadline.
    scene.clock.set(SystemClock().now())
    auteur = scene.guichet("G0001")
    for code in GUICHETS:
        scene.guichet(code, Filtre("Tout"))
    for _ in range(DEMANDES):
        recue = scene.recue(auteur)
        (numero,) = scene.register([recue])
        scene.events(recue, numero, range(2, VERSIONS + 1))


@pytest.mark.slow
async def test_two_hosts_share_and_one_cut_off_loses_nothing(base: Engine) -> None:
    """[DST-54] [DST-12] [DST-11] Both send; the cable of one is pulled out in the middle, without a word to
    anyone: the other one does all that is left, in order, and nobody gets anything as new twice."""
    await asyncio.to_thread(fill, base)
    port = make_url(base.url).query["port"]
    partenaire = Partenaire()
    async with listening(partenaire) as ecoute:
        with ExitStack() as stack:
            reseaux = [stack.enter_context(Reseau()) for _ in range(2)]
            assert len({reseau.hub for reseau in reseaux}) == 2 or not reseaux[0].espace
            hotes = []
            for rang, reseau in enumerate(reseaux):
                url = f"postgresql://postgres@{reseau.hote}:{reseau.to_partner(int(str(port)))}/postgres"
                adresse = f"http://{reseau.hote}:{reseau.to_partner(ecoute)}/"
                mots = [reseau.espace, url, adresse, f"hôte {rang}"]
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.dispatching.hote", *mots],
                    env=os.environ | {"PYTHONPATH": str(Path.cwd())},
                )
                stack.callback(process.wait)
                stack.callback(process.kill)
                hotes.append(process)
            await partenaire.until(lambda: min(_shares(partenaire)) > TOTAL // 20)
            reseaux[0].debrancher()
            at_the_cut = len(partenaire.recus)
            assert at_the_cut < TOTAL
            await partenaire.until(lambda: len(partenaire.recus) == TOTAL)
            await asyncio.wait_for(_all_acknowledged(base), TIMEOUT)
    assert partenaire.par_hote["hôte 1"] > TOTAL // 20
    assert all(each == sorted(each) for each in partenaire.ordre.values())
    by_guichet = defaultdict(list)
    for guichet, _, sequence in partenaire.recus.values():
        by_guichet[guichet].append(sequence)
    assert {code: sorted(each) for code, each in by_guichet.items()} == {
        code: list(range(1, DEMANDES * VERSIONS + 1)) for code in GUICHETS
    }


def _shares(partenaire: Partenaire) -> list[int]:
    return [partenaire.par_hote[f"hôte {rang}"] for rang in range(2)]


async def _all_acknowledged(engine: Engine) -> None:
    query = text("SELECT count(*) FROM distribution WHERE etat <> 'acquittee'")

    def left() -> int:
        with engine.connect() as conn:
            return int(conn.execute(query).scalar_one())

    while await asyncio.to_thread(left):
        await asyncio.sleep(0.1)

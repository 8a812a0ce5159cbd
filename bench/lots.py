"""Memory and time of a hub that answers a day of a système particulier by mail ([COU-35]).

``python -m bench.lots --fichiers 20000 --messages 2`` sends the files in archives to a hub in a process of
its own, kills it by SIGKILL in the middle, starts it again, checks that each file was answered once, and
prints what the process of the hub held at most, before and after the kill.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from bench.pieces import Watch
from conformance.partenaire_courrier import PartenaireCourrier, Piece
from echangeur.memoire import give_back_large_blocks
from registry.clock import FixedClock
from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres
from schemas.courrier import Verdict
from tests.mailflows.monde import Monde, Pki
from tests.registry.fabrique import RECU_LE, generate

RESULTS = Path(__file__).parent / "results" / "lots.json"


@dataclass(frozen=True, slots=True)
class Mesure:
    """A run. MiB for memory of the hub's own (anonymous pages), seconds for time."""

    fichiers: int
    messages: int
    octets_par_message: int
    parties: int
    rejeux: int
    secondes: float
    anonyme_avant_coupure: float
    anonyme_apres_reprise: float


class Marche(FixedClock):
    """Goes on from the instant at which it is set: what did not leave is tried again."""

    def set(self, instant: datetime) -> None:
        super().set(instant)
        self._depuis = time.monotonic()

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=time.monotonic() - self._depuis)


async def hub(url: str, dossier: Path, poste: int) -> None:
    """The hub, until it is killed."""
    give_back_large_blocks()
    monde = Monde(open_engine(url, pool_size=20), Marche(RECU_LE), Pki.load(dossier))
    await monde.traitement.start()
    await monde.dalo.start()
    monde.port_poste = poste
    await monde.start_courrier()
    print(monde.port, flush=True)
    await asyncio.Event().wait()


async def start_hub(url: str, monde: Monde) -> tuple[asyncio.subprocess.Process, int]:
    """A hub in a process of its own, and its port."""
    words = ("--hub", url, str(monde.pki.dossier), str(monde.port_poste))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.lots", *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, int(await process.stdout.readline())


async def measure(engine: Engine, url: str, dossier: Path, fichiers: int, messages: int) -> Mesure:
    """Send, kill in the middle, start again, check."""
    monde = Monde(engine, FixedClock(RECU_LE), Pki.create(dossier))
    monde.port_poste = await monde.poste.start()
    partenaire = monde.partenaire()
    noms = [f"DEM{rang:05}.xml" for rang in range(fichiers)]
    mails = [
        partenaire.compose(
            [Piece(nom, generate(f"lot {nom}")) for nom in noms[debut::messages]],
            archive=True,
            message_id=f"lot{debut}",
        )
        for debut in range(messages)
    ]
    process, port = await start_hub(url, monde)
    here = partenaire.echangeur
    partenaire.echangeur = type(here)(
        here.adresse, here.hote, port, here.chiffrement, here.empreinte, here.contexte
    )
    began = time.perf_counter()
    with Watch(process.pid) as first:
        for mail in mails:
            await partenaire.send(mail)
        while monde.count("courrier_fichier") < fichiers // 2:
            await asyncio.sleep(0.5)
    process.kill()
    await process.wait()
    process, _ = await start_hub(url, monde)
    with Watch(process.pid) as second:
        parties, rejeux = await check(monde, partenaire, noms, messages)
        spent = time.perf_counter() - began
    process.kill()
    await process.wait()
    await monde.poste.stop()
    return Mesure(
        fichiers,
        messages,
        max(map(len, mails)),
        parties,
        rejeux,
        round(spent, 1),
        round(first.anonyme, 1),
        round(second.anonyme, 1),
    )


async def check(
    monde: Monde, partenaire: PartenaireCourrier, noms: list[str], messages: int
) -> tuple[int, int]:
    """Number of the parts and of the replays, once every file was answered once and is there once."""
    parts = [
        part
        for rang in range(messages)
        for part in await partenaire.answer_to(f"lot{rang}@partenaire.example")
    ]
    found = [fichier for part in parts if part.accuse for fichier in part.accuse.fichiers]
    assert sorted(fichier.nom for fichier in found) == noms
    taken = [each for each in found if each.verdict in (Verdict.ACCEPTE, Verdict.REJEU)]
    assert len({each.numero for each in taken}) == len(taken) == monde.count("demande")
    return len(parts), sum(each.verdict is Verdict.REJEU for each in found)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fichiers", type=int, default=20_000)
    parser.add_argument("--messages", type=int, default=2)
    parser.add_argument("--hub", nargs=3, metavar=("URL", "DOSSIER", "PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hub:
        url, dossier, port = options.hub
        asyncio.run(hub(url, Path(dossier), int(port)))
        return
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "pg") as server:
        engine = open_engine(server.url(), pool_size=5)
        upgrade(engine)
        pki = Path(folder) / "pki"
        pki.mkdir()
        mesure = asyncio.run(measure(engine, server.url(), pki, options.fichiers, options.messages))
        engine.dispose()
    RESULTS.write_text(json.dumps(asdict(mesure), indent=2) + "\n", encoding="utf-8")
    print(json.dumps(asdict(mesure), indent=2))


if __name__ == "__main__":
    main()

"""Mails a second from one end to the other, database included, per kind of key.

``python -m bench.debit`` makes two runs for each key, each by a hub in a process of its own. In: mails of one
file, sent over kept connections by direct SMTP with TLS, until each is kept, opened, registered and its
answer written in the outbox. Out: those answers, until the relay has taken each of them, sealed. The first
tenth warms up. The cost is that of the processes (user and system), so that the rate of one core depends
little on what else the machine does; `primitives` is the share of it that one operation of each key, the
cipher and the digests take, measured alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rich.console import Console
from sqlalchemy import Engine, text

from bench.cost import measure
from bench.courrier import CLES, cost, primitives
from certs.algorithmes import PROFILS
from certs.autorite import Identite
from certs.paire import Paire, load_paire
from conformance.partenaire_courrier import PartenaireCourrier, Piece
from mailflows.entrant import Entrant
from mailflows.envoi import Guichetier, Sortie
from mailflows.expediteur import Expediteur
from mailflows.ouverture import ClesFixes
from mailflows.ouvrier import Ouvrier
from mailflows.reception_smtp import Reception
from mailflows.service import PLACES
from registry.certificats import pin_certificat
from registry.clock import FixedClock
from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres
from registry.usages_certificats import UsageCertificat
from schemas.generation import generate_demandes
from tests.fuzz.paires import create_paire
from tests.mailflows.monde import HUB, Monde, Pki
from tests.registry.fabrique import RECU_LE

RESULTS: Final = Path(__file__).parent / "results" / "debit.json"
GUICHET: Final = "G1104"
CONNEXIONS: Final = 8


_RELEASE: Final = text("""
    WITH libres AS (
        UPDATE courrier_sortant SET prochaine_tentative = :instant
        WHERE id IN (SELECT id FROM courrier_sortant WHERE prochaine_tentative > :instant LIMIT :nombre)
    )
    SELECT pg_notify('courrier', '')
""")
"""Makes due that many answers of those that were held."""


@dataclass(frozen=True, slots=True)
class Mesure:
    """par_s: on this machine, shared with the database and the bench. ms: processor of one mail. par_coeur:
    mails that one core of the hub alone, then of the hub and the database, would do in a second."""

    cle: str
    sens: str
    courriers: int
    par_s: float
    hub_ms: float
    base_ms: float
    par_coeur_hub: float
    par_coeur: float
    primitives: float


class Puits:
    """A relay that takes every mail. pris: how many."""

    def __init__(self, pki: Pki) -> None:
        self.pris = 0
        self._tls = pki.serveur()

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        make = lambda: SMTP(self, tls_context=self._tls, require_starttls=True, loop=loop)  # noqa: E731
        self._server = await loop.create_server(make, "localhost", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        self.pris += 1
        return "250 OK"


# -- the hub, in a process of its own -----------------------------------------------------------------------


async def hub(sens: str, url: str, dossier: Path, relais: int) -> None:
    """One half of the hub, until SIGTERM: what comes in, or what goes out."""
    engine, clock = open_engine(url, pool_size=20), FixedClock(RECU_LE)
    monde = Monde(engine, clock, Pki.load(dossier))
    monde.port_poste = relais
    paire = load_pair(dossier / "cle")
    cles = ClesFixes(paire, (paire,))
    parametres = monde.parametres()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if sens == "entrée":
        await monde.traitement.start()
        await monde.dalo.start()
        entrant = Entrant(engine, clock, monde.operations(), monde.identites, cles, monde.reglages)
        entrees = Ouvrier(engine, "entrant", entrant.look, entrant.handle, places=PLACES, releve=0.5)
        assert parametres.ecoute is not None
        reception = Reception(engine, clock, parametres.ecoute, entrees.wake)
        await entrees.start()
        await reception.start(monde.sock)
    else:
        expediteur = Expediteur(parametres.relais)
        guichetier = Guichetier(engine, clock, expediteur, type(parametres.identite)(HUB, cles))
        sortie = Sortie(engine, clock, guichetier, parametres.reglages.envoi)
        sorties = Ouvrier(engine, "sortant", sortie.look, sortie.send, releve=0.5)
        await sorties.start()
    print(monde.port, flush=True)
    await stop.wait()


def load_pair(dossier: Path) -> Paire:
    """As `write_pair` wrote it."""
    return load_paire((dossier / "cert.pem").read_bytes(), (dossier / "key.pem").read_bytes())


def write_pair(paire: Paire, dossier: Path) -> None:
    """For the process of the hub."""
    cle = paire.cle.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    Identite(paire.certificat.pem, paire.certificat.pem, cle, b"").write(dossier)


# -- the bench ----------------------------------------------------------------------------------------------


class Banc:
    """One kind of key: a hub, its database, a partner whose mails are ready."""

    def __init__(self, engine: Engine, server: EmbeddedPostgres, url: str, dossier: Path, cle: str) -> None:
        self.engine = engine
        self.server = server
        self.url = url
        self.cle = cle
        self.pki = Pki.create(dossier)
        self.monde = Monde(engine, FixedClock(RECU_LE), self.pki)
        self.paire = create_paire(CLES[cle](), RECU_LE)
        write_pair(self.paire, dossier / "cle")
        self.robot = self._partner()

    def _partner(self) -> PartenaireCourrier:
        robot = self.monde.partenaire(GUICHET)
        usages = frozenset({UsageCertificat.SIGNATURE, UsageCertificat.CHIFFREMENT})
        with self.engine.begin() as conn:
            conn.execute(text("UPDATE certificat SET retire_le = :now"), {"now": RECU_LE})
            made = pin_certificat(conn, GUICHET, self.paire.certificat.pem, instant=RECU_LE, usages=usages)
            assert not isinstance(made, tuple), made
        here = robot.echangeur
        robot.paire = self.paire
        robot.echangeur = type(here)(
            here.adresse, here.hote, 0, self.paire.certificat, self.paire.certificat.empreinte, here.contexte
        )
        return robot

    def postmaster(self) -> int:
        return int((self.server.folder / "postmaster.pid").read_text().split()[0])

    def count(self, query: str) -> int:
        with self.engine.connect() as conn:
            return int(conn.execute(text(query)).scalar_one())

    async def run(self, sens: str, mails: Sequence[bytes], puits: Puits, relais: int) -> Mesure:
        """One half, measured from the first mail to the last."""
        words = ["-m", "bench.debit", "--hub", sens, self.url, str(self.pki.dossier), str(relais)]
        process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        base = self.postmaster()
        warm = len(mails) // 10
        await self._half(sens, mails[:warm], warm, port)
        before, base_before, began = measure(process.pid).cpu, measure(base).cpu, time.perf_counter()
        await self._half(sens, mails[warm:], len(mails), port)
        spent = time.perf_counter() - began
        cpu, base_cpu = measure(process.pid).cpu - before, measure(base).cpu - base_before
        process.terminate()
        await process.wait()
        if sens == "sortie":
            assert puits.pris == len(mails)
        else:
            assert self.count("SELECT count(*) FROM demande") == len(mails)
        alone = cost(primitives(self.paire, 2 * 3800, PROFILS["compatible"], entree=sens == "entrée"), 0.5)
        done = len(mails) - warm
        return Mesure(
            self.cle,
            sens,
            done,
            round(done / spent, 1),
            round(1000 * cpu / done, 2),
            round(1000 * base_cpu / done, 2),
            round(done / cpu, 1),
            round(done / (cpu + base_cpu), 1),
            round(100 * alone * done / cpu, 1),
        )

    async def _half(self, sens: str, mails: Sequence[bytes], total: int, port: int) -> None:
        """Have these mails go one way, until that many have in all."""
        if sens == "entrée":
            await self._send(mails, port)
            done = "SELECT count(*) FROM courrier_entrant WHERE etat = 'traite'"
        else:
            with self.engine.begin() as conn:
                conn.execute(_RELEASE, {"nombre": len(mails), "instant": RECU_LE})
            done = "SELECT count(*) FROM courrier_sortant WHERE etat = 'envoye'"
        while self.count(done) < total:
            await asyncio.sleep(0.05)

    async def _send(self, mails: Sequence[bytes], port: int) -> None:
        waiting = list(mails)
        hub = self.robot.echangeur

        async def one() -> None:
            client = aiosmtplib.SMTP(hostname=hub.hote, port=port, start_tls=True, tls_context=hub.contexte)
            async with client:
                while waiting:
                    await client.sendmail(self.robot.adresse, [hub.adresse], waiting.pop())

        await asyncio.gather(*(one() for _ in range(CONNEXIONS)))


async def measure_key(cle: str, nombre: int) -> list[Mesure]:
    """Both ways, on a database of their own, which waits for the disk."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "pg") as server:
        engine = open_engine(server.url(), pool_size=5)
        upgrade(engine)
        pki = Path(folder) / "pki"
        pki.mkdir()
        banc = Banc(engine, server, server.url(), pki, cle)
        documents = generate_demandes(f"débit {cle}", nombre, guichet=GUICHET, association=False)
        mails = [
            banc.robot.compose([Piece(f"DEM{rang}.xml", document)], message_id=f"m{rang}")
            for rang, document in enumerate(documents)
        ]
        puits = Puits(banc.pki)
        relais = await puits.start()
        found = [await banc.run("entrée", mails, puits, relais)]
        with engine.begin() as conn:
            conn.execute(text("UPDATE courrier_sortant SET prochaine_tentative = now() + interval '9 years'"))
        found.append(await banc.run("sortie", mails, puits, relais))
        engine.dispose()
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--courriers", type=int, default=1_000, help="par mesure")
    parser.add_argument("--cles", nargs="*", default=list(CLES), choices=list(CLES))
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--hub", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hub:
        sens, url, dossier, relais = options.hub
        asyncio.run(hub(sens, url, Path(dossier), int(relais)))
        return
    console = Console(width=160)
    mesures = []
    for cle in options.cles:
        for mesure in asyncio.run(measure_key(cle, options.courriers)):
            mesures.append(mesure)
            console.print(asdict(mesure))
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cœurs, Python {platform.python_version()}",
        "charge": [round(each, 1) for each in os.getloadavg()],
        "courriers": options.courriers,
        "connexions": CONNEXIONS,
        "mesures": [asdict(each) for each in mesures],
    }
    options.json.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    console.print(f"Résultats : {options.json}")


if __name__ == "__main__":
    main()

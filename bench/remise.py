"""The deliveries: how many a second by each channel, and what the guichets in trouble cost to the others.

``python -m bench.remise`` prints tables and writes ``bench/results/remise.json``. One worker in this process,
PostgreSQL, and the endpoints of the guichets in another process, share the machine, over mutual TLS.

Isolation: 1,600 guichets; a steady flow to those that are well, measured from the commit of a distribution to
its acknowledgement. In turn, in the same run, alone, beside one guichet that never answers and one that takes
nine seconds, and beside eleven in trouble, of which one is not there, for which a backlog waits.
``--priorite`` (root) puts the run before the rest of the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa
from rich.console import Console
from sqlalchemy import Connection, Engine, text

from bench import priorite
from dispatching import attempts
from dispatching.acquittement import Acquit, Acquittee, acknowledge
from dispatching.deliveries import uuid7s
from dispatching.retraits import Vue, list_readable
from dispatching.transport import Transport
from dispatching.worker import Worker
from mailflows.envoi import Guichetier, Identite, TransportCourrier
from mailflows.expediteur import Expediteur, Relais, Securite
from mailflows.ouverture import ClesFixes
from registry.certificats import pin_certificat
from registry.clock import FixedClock, SystemClock
from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres
from registry.guichets import CanalDistribution, Guichet
from registry.guichets_store import get_guichet
from soap.client import DistributionClient
from tests.conformance.pki import Pki
from tests.dispatching.scene import Scene
from tests.fuzz.paires import create_paire

RESULTS: Final = Path(__file__).parent / "results" / "remise.json"
GUICHETS: Final = 1_600
EN_PEINE: Final = {"muet": 5, "lent": 5, "absent": 1}
DEMANDES: Final = 2_000
PAR_TOUR: Final = 5
"""Distributions of one transaction of the flow, each for another guichet."""

_DISTRIBUTE: Final = text("""
    WITH lot AS (
        INSERT INTO distribution (id, guichet, sequence, numero, version, nature, raison, cree_le,
            prochaine_tentative)
        SELECT id, guichet, sequence, numero, 1, 'ENR', 'filtre', :instant, :instant
        FROM unnest(CAST(:ids AS uuid[]), CAST(:guichets AS text[]), CAST(:sequences AS bigint[]),
            CAST(:numeros AS text[])) AS t(id, guichet, sequence, numero)
    )
    SELECT pg_notify('distribution', :codes)
""")
_BACKLOG: Final = text("""
    INSERT INTO distribution (id, guichet, sequence, numero, version, nature, raison, cree_le,
        prochaine_tentative)
    SELECT gen_random_uuid(), :code, n, 'A' || lpad(n::text, 17, '0'), 1, 'ENR', 'filtre', :instant, :instant
    FROM generate_series(1, :nombre) AS n
""")
_LATENCES: Final = text("""
    SELECT extract(epoch FROM termine_le - cree_le) * 1000 AS ms FROM distribution
    WHERE etat = 'acquittee' AND id = ANY(:ids)
""")


@dataclass
class Banc:
    """The database, its demandes, and the sequences given so far."""

    engine: Engine
    numeros: Sequence[str]
    sequences: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def distribute(self, codes: Sequence[str]) -> list[uuid.UUID]:
        """One distribution for each of these guichets, in one transaction."""
        instant = datetime.now(UTC)
        ids = uuid7s(instant, len(codes))
        for code in codes:
            self.sequences[code] += 1
        values = {
            "instant": instant,
            "ids": ids,
            "guichets": list(codes),
            "sequences": [self.sequences[code] for code in codes],
            # Of a demande that this guichet has not had: no order to keep.
            "numeros": [self.numeros[self.sequences[code] % len(self.numeros)] for code in codes],
            "codes": " ".join(codes),
        }
        with self.engine.begin() as conn:
            conn.execute(_DISTRIBUTE, values)
        return ids

    def execute(self, query: str, **values: object) -> Any:
        with self.engine.begin() as conn:
            result = conn.execute(text(query), values)
            return result.scalar() if result.returns_rows else None


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else float("nan")


@contextlib.contextmanager
def peer(*words: str) -> Iterator[str]:
    """A peer in a process of its own; its first line."""
    process = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
    finally:
        process.kill()
        process.wait()


def prepare(engine: Engine, adresses: dict[str, str]) -> Banc:
    """Guichets of the channel `retrait` until a measure wants them otherwise; demandes with one document."""
    upgrade(engine)
    scene = Scene(engine, FixedClock(datetime.now(UTC)))
    author = scene.guichet("G0001")
    scene.guichet("G0002")
    numero = scene.demande(author)
    numeros = [f"B{rang:017d}" for rang in range(DEMANDES)]
    with engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO demande_version SELECT n, version, version, nature, guichet, instant, document,"
                " empreinte FROM demande_version, unnest(CAST(:numeros AS text[])) AS n"
                " WHERE numero = :numero AND version = 1"
            ),
            {"numeros": numeros, "numero": numero},
        )
        colonnes = _columns(conn, "demande", "numero")
        conn.execute(
            text(
                f"INSERT INTO demande (numero, {colonnes}) SELECT n, {colonnes}"
                " FROM demande, unnest(CAST(:numeros AS text[])) AS n WHERE numero = :numero"
            ),
            {"numeros": numeros, "numero": numero},
        )
        colonnes = _columns(conn, "guichet", "code", "adresse_reception", "canal")
        conn.execute(
            text(
                f"INSERT INTO guichet (code, adresse_reception, canal, {colonnes})"
                f" SELECT t.code, t.adresse, 'retrait', {colonnes} FROM guichet g,"
                " unnest(CAST(:codes AS text[]), CAST(:adresses AS text[])) AS t(code, adresse)"
                " WHERE g.code = 'G0002'"
            ),
            {"codes": list(adresses), "adresses": list(adresses.values())},
        )
    return Banc(engine, numeros)


def _columns(conn: Connection, table: str, *sauf: str) -> str:
    found: str = conn.execute(
        text(
            "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attnum > 0 AND NOT"
            " attisdropped AND attrelid = CAST(:table AS regclass) AND attname <> ALL(:sauf)"
        ),
        {"table": table, "sauf": list(sauf)},
    ).scalar_one()
    return found


async def until(condition: Callable[[], bool]) -> None:
    while not await asyncio.to_thread(condition):
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def working(engine: Engine, canal: CanalDistribution, transport: Transport) -> Any:
    worker = Worker(engine, {canal: transport}, SystemClock(), grace=timedelta(0))
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def rate(
    banc: Banc, canal: CanalDistribution, transport: Transport, codes: Sequence[str], chacun: int, fait: str
) -> float:
    """Deliveries a second of what waits at the start for these guichets. fait: SQL, what is done."""
    banc.execute("UPDATE guichet SET canal = :canal WHERE code = ANY(:codes)", canal=canal, codes=list(codes))
    for _ in range(chacun):
        banc.distribute(codes)
    total = len(codes) * chacun
    query = f"SELECT count(*) FROM distribution WHERE guichet = ANY(:codes) AND {fait}"
    before = time.monotonic()
    async with working(banc.engine, canal, transport):
        await until(lambda: banc.execute(query, codes=list(codes)) == total)
    spent = time.monotonic() - before
    banc.execute("UPDATE guichet SET canal = 'retrait' WHERE code = ANY(:codes)", codes=list(codes))
    return round(total / spent, 1)


def pulled(banc: Banc, code: str, nombre: int) -> float:
    """Deliveries a second read and acknowledged by one guichet that comes, 100 at a time, without SOAP."""
    for _ in range(nombre):
        banc.distribute([code])
    with banc.engine.connect() as conn:
        guichet = get_guichet(conn, code)
    assert isinstance(guichet, Guichet)
    before, done = time.monotonic(), 0
    while True:
        instant, echange = datetime.now(UTC), uuid.uuid4()
        with banc.engine.begin() as conn:
            lot = list_readable(
                conn, guichet, Vue.A_ACQUITTER, apres=0, nombre=100, instant=instant, echange=echange
            )
        acquits = [
            Acquit(each.sequence, hashlib.sha256(each.fichier.contenu).hexdigest())
            for each in lot.distributions
            if each.fichier is not None
        ]
        if not acquits:
            return round(done / (time.monotonic() - before), 1)
        with banc.engine.begin() as conn:
            answers = acknowledge(conn, code, acquits, instant=instant, echange=echange)
        assert all(isinstance(answer, Acquittee) for answer in answers)
        done += len(answers)


async def flow(banc: Banc, codes: Sequence[str], seconds: float, par_seconde: int) -> list[float]:
    """Distribute to guichets drawn among these at a steady pace; the latencies, in milliseconds."""
    rng = random.Random(7)
    ids: list[uuid.UUID] = []
    start = time.monotonic()
    for tour in range(int(seconds * par_seconde / PAR_TOUR)):
        wait = start + tour * PAR_TOUR / par_seconde - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        ids += await asyncio.to_thread(banc.distribute, rng.sample(codes, PAR_TOUR))
    query = "SELECT count(*) FROM distribution WHERE etat = 'acquittee' AND id = ANY(:ids)"
    await until(lambda: banc.execute(query, ids=ids) == len(ids))
    with banc.engine.connect() as conn:
        return [float(ms) for ms in conn.execute(_LATENCES, {"ids": ids}).scalars()]


async def isolate(
    banc: Banc,
    client: DistributionClient,
    bien: Sequence[str],
    mal: Mapping[str, Sequence[str]],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """The same flow beside none, some and all of the guichets in trouble, in turn. mal: by phase."""
    banc.execute("UPDATE guichet SET canal = 'push' WHERE code = ANY(:codes)", codes=list(bien))
    every = sorted({code for codes in mal.values() for code in codes})
    found: dict[str, list[list[float]]] = {phase: [] for phase in mal}
    rng = random.Random(11)
    async with working(banc.engine, CanalDistribution.PUSH, client):
        await flow(banc, bien, options.secondes, options.debit)
        for _ in range(options.tours):
            # In any order: what lasts longer than a phase falls on all of them alike.
            for phase in rng.sample(list(mal), len(mal)):
                banc.execute(
                    "WITH g AS (UPDATE guichet SET canal = CASE WHEN code = ANY(:codes) THEN 'push'"
                    " ELSE 'retrait' END WHERE code = ANY(:every)) SELECT pg_notify('distribution', '')",
                    codes=list(mal[phase]),
                    every=every,
                )
                await asyncio.sleep(0.5)
                found[phase].append(await flow(banc, bien, options.secondes, options.debit))
    alone = found[next(iter(found))]
    return {
        phase: {
            "envois": sum(map(len, tours)),
            "p50": percentile(_all(tours), 0.5),
            "p99": percentile(_all(tours), 0.99),
            **({} if tours is alone else compare(alone, tours)),
        }
        for phase, tours in found.items()
    }


def _all(tours: Sequence[Sequence[float]]) -> list[float]:
    return [value for tour in tours for value in tour]


def compare(seuls: Sequence[Sequence[float]], autres: Sequence[Sequence[float]]) -> dict[str, float]:
    """What the p99 is multiplied by, and its 95 % confidence interval: by bootstrap of the turns, since the
    sendings of one turn share what the machine was doing."""
    rng = random.Random(13)
    ratios = []
    for _ in range(2_000):
        drawn = [rng.randrange(len(seuls)) for _ in seuls]
        low, high = (percentile(_all([tours[rang] for rang in drawn]), 0.99) for tours in (seuls, autres))
        ratios.append(high / low)
    ratio = percentile(_all(autres), 0.99) / percentile(_all(seuls), 0.99)
    return {
        "rapport": round(ratio, 3),
        "au_moins": round(percentile(ratios, 0.025), 3),
        "au_plus": round(percentile(ratios, 0.975), 3),
    }


def explain(banc: Banc, codes: Sequence[str]) -> dict[str, float]:
    """Milliseconds of the two queries of the worker, the best of five, on what waits now."""
    instant = datetime.now(UTC)
    canaux = ["push", "courrier"]
    due = {"canaux": canaux, "instant": instant, "sauf": []}
    take = {
        "guichets": sorted(codes),
        "places": [1] * len(codes),
        "canaux": canaux,
        "instant": instant,
        "fin_du_bail": instant,
        "porteur": 1,
    }
    found = {}
    for nom, query, values in (("chercher", attempts._DUE, due), ("prendre", attempts._TAKE, take)):
        times = []
        for _ in range(5):
            with banc.engine.connect() as conn:
                before = time.perf_counter()
                conn.execute(query, values).all()
                times.append(1000 * (time.perf_counter() - before))
                conn.rollback()
        found[nom] = round(min(times), 2)
    return found


async def run(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="banc-") as temporary, contextlib.ExitStack() as stack:
        root = Path(temporary)
        root.chmod(0o755)
        watched = stack.enter_context(priorite.first(wanted=options.priorite))
        pki = Pki(root / "pki")
        server = stack.enter_context(EmbeddedPostgres(root / "postgres"))
        watched.append(int((root / "postgres" / "postmaster.pid").read_text().split()[0]))
        dossier = str(root / "pki" / "partenaire")
        ports = json.loads(stack.enter_context(peer("bench.peers.guichets", dossier)))
        relais = int(stack.enter_context(peer("bench.peers.relais")))
        engine = open_engine(server.url(), pool_size=8)
        stack.callback(engine.dispose)
        noms = [nom for nom, nombre in EN_PEINE.items() for _ in range(nombre)]
        noms += ["normal"] * (GUICHETS - len(noms))
        ports["absent"] = 9
        codes = [f"B{rang:04d}" for rang in range(GUICHETS)]
        mal, bien = codes[: sum(EN_PEINE.values())], codes[sum(EN_PEINE.values()) :]
        banc = prepare(
            engine,
            {code: f"https://127.0.0.1:{ports[nom]}/" for code, nom in zip(codes, noms, strict=True)},
        )
        client = DistributionClient(pki.client())
        await client.start()
        result: dict[str, Any] = {"canaux": [], "arriere": options.arriere}

        def note(canal: str, par_seconde: float) -> None:
            result["canaux"].append({"canal": canal, "par_seconde": par_seconde})
            console.print(result["canaux"][-1])

        acquittee = "etat = 'acquittee'"
        note("push", await rate(banc, CanalDistribution.PUSH, client, bien[:50], options.chacun, acquittee))
        clock = SystemClock()
        paire = create_paire(rsa.generate_private_key(65537, 2048), clock.now())
        with engine.begin() as conn:
            for code in bien[50:60]:
                pair = create_paire(rsa.generate_private_key(65537, 2048), clock.now(), code)
                pin_certificat(conn, code, pair.certificat.pem, instant=clock.now())
            conn.execute(text("UPDATE guichet SET adresse_courrier = 'b@b.example'"))
        expediteur = Expediteur(Relais("127.0.0.1", relais, "a@a.example", Securite.AUCUNE))
        guichetier = Guichetier(
            engine, clock, expediteur, Identite("a@a.example", ClesFixes(paire, (paire,)))
        )
        mail = TransportCourrier(engine, clock, guichetier, timedelta(hours=4))
        parti = "EXISTS (SELECT FROM tentative t WHERE t.distribution = id AND t.issue = 'remise')"
        note(
            "courrier (jusqu'au relais)",
            await rate(banc, CanalDistribution.COURRIER, mail, bien[50:60], options.chacun, parti),
        )
        await expediteur.stop()
        note("retrait (sans le bord SOAP)", pulled(banc, bien[60], 20 * options.chacun))
        for code in mal[:-1]:
            for _ in range(200):
                banc.distribute([code])
        absent = mal[-1]
        with engine.begin() as conn:
            conn.execute(_BACKLOG, {"code": absent, "nombre": options.arriere, "instant": datetime.now(UTC)})
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("VACUUM ANALYZE"))
        muet, lent = (codes[noms.index(nom)] for nom in ("muet", "lent"))
        phases = {
            "seuls": [],
            "à côté d'un guichet muet et d'un lent": [muet, lent],
            "à côté de onze guichets en peine": mal,
        }
        result["isolation"] = await isolate(banc, client, bien[100:], phases, options)
        await client.stop()
        console.print(result["isolation"])
        result["requetes"] = {"arriéré d'un guichet absent": explain(banc, [*mal, *bien[100:153]])}
        banc.execute("DELETE FROM disjoncteur")
        result["requetes"]["le même, son disjoncteur fermé"] = explain(banc, [*mal, *bien[100:153]])
        banc.execute(
            "UPDATE distribution SET differee = true, prochaine_tentative = now() + interval '4 hours'"
            " WHERE guichet = :code AND etat = 'en_attente'",
            code=absent,
        )
        result["requetes"]["le même, tout différé"] = explain(banc, [*mal, *bien[100:153]])
        console.print(result["requetes"])
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arriere", type=int, default=1_000_000, help="distributions du guichet absent")
    parser.add_argument("--chacun", type=int, default=40, help="distributions par guichet, pour les débits")
    parser.add_argument("--secondes", type=float, default=5, help="durée d'une phase")
    parser.add_argument("--tours", type=int, default=24, help="phases de chaque sorte")
    parser.add_argument("--debit", type=int, default=200, help="distributions par seconde, pendant une phase")
    parser.add_argument("--priorite", action="store_true", help="passer devant le reste de la machine (root)")
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    console = Console(width=120)
    before = os.getloadavg()[0]
    result = asyncio.run(run(options, console))
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cœurs, Python {platform.python_version()}",
        "charge": [round(before, 1), round(os.getloadavg()[0], 1)],
        "guichets": GUICHETS,
        "debit": options.debit,
        "tours": options.tours,
        "priorite": options.priorite,
        **result,
    }
    options.json.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    console.print(f"Résultats : {options.json}")


if __name__ == "__main__":
    main()

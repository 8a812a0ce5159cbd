"""The load run: registrations at a given rate, delivered to 1,600 guichets that have 20,000 filters.

``python -m bench.pointe`` runs ten minutes at 50 registrations a second, prints where it stands each ten
seconds and writes ``bench/results/pointe.json`` and ``pointe.svg``. Options: ``--duree`` seconds,
``--par-seconde``, ``--guichets``, ``--filtres``, ``--json``. Everything is on loopback and stops by itself.

Two processes of the hub share the embedded PostgreSQL, as an operator would run them on two cores: one
answers, the other delivers. The guichets are simulated by a third (bench.partenaires_simules), the
registrations come from this one, at their instants whatever the answers take. What a latency says: from the
reception of a registration to its distribution being acknowledged, both by the clock of the hub.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import track
from sqlalchemy import Engine, text

from bench import cost, courbe, load, messages, pointe_monde, priorite, servers
from bench.partenaires_simules import Conduite
from bench.tirage_filtres import populations
from echangeur.config import render
from echangeur.instance import Instance, open_instance
from registry.database import open_engine
from registry.embedded import EmbeddedPostgres
from schemas.generation import generate_demandes
from schemas.tirage import Tirage

RESULTS: Final = Path(__file__).parent / "results" / "pointe.json"
CHEMIN: Final = "/services/DemandeLogementImplService/"
CLIENTS: Final = 16
OBJECTIF: Final = 2.0
"""Seconds: p99 from registration to acknowledged distribution, for each kind of guichets that are well."""
_RELEVE: Final = 1.0
_PAS: Final = 10
"""Seconds of one point of the curves of latency."""
_ECOULEMENT: Final = 30.0
"""Seconds left at the end for what was just registered to be delivered."""


@dataclass
class Releve:
    """What was seen each second. memoire: Mio, cpu: seconds, by process; secondes: since the start."""

    secondes: list[float] = field(default_factory=list)
    memoire: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class Envois:
    """What the registrations gave. retards: seconds between the instant of a registration and its answer."""

    retards: list[float] = field(default_factory=list)
    refus: int = 0
    partis: int = 0


def draw_documents(count: int, console: Console) -> list[bytes]:
    """Demandes of the whole country, by population."""
    t = Tirage(random.Random(pointe_monde.GRAINE))
    generators: dict[str, Iterator[bytes]] = {}
    found = []
    for _ in track(range(count), "demandes", console=console, transient=True):
        territoire = t.pese(populations())
        if territoire not in generators:
            seed = f"pointe {territoire}"
            generators[territoire] = generate_demandes(
                seed, count, territoire=territoire, guichet=pointe_monde.AUTEUR
            )
        found.append(next(generators[territoire]))
    return found


def register(
    port: int, folder: Path, documents: Sequence[bytes], rate: float, start: float, envois: Envois
) -> list[threading.Thread]:
    """Send each at its instant, over connections kept alive; the threads that do."""
    lock = threading.Lock()
    places = iter(range(len(documents)))
    context = load.client_context(folder)

    def work() -> None:
        connection = load.Connection(port, context)
        while True:
            with lock:
                place = next(places, None)
            if place is None:
                return
            due = start + place / rate
            time.sleep(max(0.0, due - time.monotonic()))
            request = messages.mtom_registration(CHEMIN, documents[place])
            status, body = connection.exchange(request)
            late = time.monotonic() - due
            with lock:
                envois.partis += 1
                envois.retards.append(late)
                envois.refus += status != 200 or b"numUnique" not in body

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    return threads


@contextmanager
def simulated(simules: Sequence[pointe_monde.Simule], folder: Path, counts: dict[str, Any]) -> Iterator[Any]:
    """The simulator; gives its process and the ports. At the end, counts is what each guichet was asked."""
    plan = folder / "plan.json"
    plan.write_text(json.dumps({s.nouveau.code: [s.conduite, s.mediane] for s in simules}), encoding="utf-8")
    words = [sys.executable, "-m", "bench.partenaires_simules", str(plan), str(folder)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield process, json.loads(process.stdout.readline())
        process.stdin.close()
        counts.update(json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(20)


def configure(instance: Instance, simultanes: int | None) -> None:
    """One answers, the other delivers. simultanes: sendings at once to a guichet; None: as usual."""
    base = instance.configuration
    if simultanes is not None:
        base = msgspec.structs.replace(
            base, remise=msgspec.structs.replace(base.remise, simultanes=simultanes)
        )
    serveur = msgspec.structs.replace(
        base, distribution=msgspec.structs.replace(base.distribution, active=False)
    )
    for role, settings in (("serveur", serveur), ("ouvrier", base)):
        (instance.dossier / f"{role}.toml").write_text(render(settings), encoding="utf-8")


@contextmanager
def hub(instance: Instance, role: str) -> Iterator[servers.Server]:
    """One process of the hub."""
    port = servers.free_port()
    command = [servers.ECHANGEUR, "--instance", str(instance.dossier), "serve", "--port", str(port)]
    command += ["--port-console", "0", "--config", str(instance.dossier / f"{role}.toml")]
    with servers.running(role, command, port, CHEMIN) as server:
        yield server


def watch(pids: dict[str, int], start: float, releve: Releve, stop: threading.Event) -> None:
    """Note each second what the processes hold and have used."""
    while not stop.wait(_RELEVE):
        releve.secondes.append(round(time.monotonic() - start, 1))
        for nom, pid in pids.items():
            found = cost.measure(pid)
            releve.memoire[nom].append(round(found.memory / 2**20, 1))
            releve.cpu[nom].append(found.cpu)


_LATENCES: Final = text("""
    SELECT d.guichet, v.instant, extract(epoch FROM d.termine_le - v.instant)::float AS secondes, d.etat
    FROM distribution d JOIN demande_version v USING (numero, version)
""")


def measure(
    engine: Engine, simules: Sequence[pointe_monde.Simule], debut: datetime, chauffe: float
) -> tuple[dict[str, Any], dict[str, courbe.Points]]:
    """Latencies by conduct, and over time for those that are well. chauffe: seconds left out."""
    conduites = {s.nouveau.code: s.conduite for s in simules}
    by_conduite: dict[Conduite, list[float]] = defaultdict(list)
    waiting: dict[Conduite, int] = defaultdict(int)
    steps: dict[int, list[float]] = defaultdict(list)
    with engine.connect() as conn:
        for row in conn.execute(_LATENCES):
            conduite = conduites[row.guichet]
            at = (row.instant - debut).total_seconds()
            if conduite in pointe_monde.SAINES:
                # What is not acknowledged by now counts as late as can be.
                late = (datetime.now(UTC) - row.instant).total_seconds()
                steps[int(at // _PAS)].append(row.secondes if row.etat == "acquittee" else late)
            if row.etat != "acquittee":
                waiting[conduite] += 1
            elif at >= chauffe:
                by_conduite[conduite].append(row.secondes)
        fan = list(conn.execute(text("SELECT destinataires FROM decision")).scalars())
    lines = {
        conduite.value: {
            "guichets": sum(s.conduite is conduite for s in simules),
            "acquittees": len(found),
            "en_attente": waiting[conduite],
            **({f"p{p}": round(quantile(found, p / 100), 3) for p in (50, 90, 99)} if found else {}),
            **({"maximum": round(max(found), 3)} if found else {}),
        }
        for conduite in Conduite
        for found in [by_conduite[conduite]]
    }
    curves = {
        f"p{p}": [(step * _PAS, round(quantile(steps[step], p / 100), 3)) for step in sorted(steps)]
        for p in (50, 99)
    }
    dispersion = {
        "moyenne": round(statistics.fmean(fan), 2),
        **{f"p{p}": quantile(fan, p / 100) for p in (50, 99)},
        "maximum": max(fan),
    }
    return {"latences": lines, "destinataires": dispersion, "distributions": sum(fan)}, curves


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Build the world, run, measure."""
    documents = draw_documents(round(options.duree * options.par_seconde), console)
    simules = pointe_monde.draw(options.guichets, options.filtres)
    counts: dict[str, Any] = {}
    releve, envois, stop = Releve(), Envois(), threading.Event()
    with ExitStack() as stack:
        watched = stack.enter_context(priorite.first(wanted=options.priorite))
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pointe-")))
        root.chmod(0o755)  # the embedded PostgreSQL may run as another user
        servers.echangeur("init", str(root / "instance"))
        instance = open_instance(root / "instance")
        configure(instance, options.simultanes)
        folder = root / "simules"
        instance.load_autorite().issue_serveur(now=datetime.now(UTC)).write(folder)
        postgres = stack.enter_context(EmbeddedPostgres(instance.dossier / "postgres"))
        base = int((instance.dossier / "postgres" / "postmaster.pid").read_text().split()[0])
        watched.append(base)
        engine = open_engine(postgres.url())
        stack.callback(engine.dispose)
        simulateur, ports = stack.enter_context(simulated(simules, folder, counts))
        adresses = {code: f"https://127.0.0.1:{port}/" for code, port in ports.items()}
        told = track(simules, "guichets et filtres", console=console, transient=True)
        pointe_monde.settle(engine, told, adresses, datetime.now(UTC))
        words = ("certificat", "emettre", pointe_monde.AUTEUR, "--dossier", str(root / "auteur"))
        servers.echangeur("--instance", str(instance.dossier), *words)
        serveur = stack.enter_context(hub(instance, "serveur"))
        ouvrier = stack.enter_context(hub(instance, "ouvrier"))
        pids = {"serveur": serveur.pid, "ouvrier": ouvrier.pid, "base": base, "simulateur": simulateur.pid}
        start, debut = time.monotonic() + 0.5, datetime.now(UTC)
        watcher = threading.Thread(target=watch, args=(pids, start, releve, stop))
        watcher.start()
        before = {nom: cost.measure(pid).cpu for nom, pid in pids.items()} | {"clients": time.process_time()}
        threads = register(serveur.port, root / "auteur", documents, options.par_seconde, start, envois)
        follow(threads, envois, engine, start, console)
        duree = time.monotonic() - start
        after = {nom: cost.measure(pid).cpu for nom, pid in pids.items()} | {"clients": time.process_time()}
        drain(engine, simules)
        stop.set()
        watcher.join()
        found, curves = measure(engine, simules, debut, options.chauffe)
    saines = [found["latences"][each.value] for each in pointe_monde.SAINES]
    atteint = all(not each["en_attente"] and each.get("p99", OBJECTIF) < OBJECTIF for each in saines)
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cœurs",
        "priorite": options.priorite,
        "charge": [round(each, 2) for each in os.getloadavg()],
        "duree": round(duree, 1),
        "chauffe": options.chauffe,
        "par_seconde_voulu": options.par_seconde,
        "par_seconde": round(envois.partis / duree, 1),
        "guichets": options.guichets,
        "filtres": options.filtres,
        "refus": envois.refus,
        "reponse": {f"p{p}": round(quantile(envois.retards, p / 100), 3) for p in (50, 99)},
        **found,
        "distributions_par_seconde": round(found["distributions"] / duree, 1),
        "cpu": {nom: round((after[nom] - before[nom]) / duree, 3) for nom in before},
        "memoire": {nom: memory_of(values, releve.secondes, duree) for nom, values in releve.memoire.items()},
        "connexions": sum(each[2] for each in counts.values()),
        "objectif": {"p99": OBJECTIF, "atteint": atteint},
    }
    panels = [
        ("Latence des guichets sains, de l'enregistrement à l'accusé (s)", curves),
        (
            "Mémoire (Mio)",
            {nom: list(zip(releve.secondes, values, strict=False)) for nom, values in releve.memoire.items()},
        ),
    ]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    options.json.with_suffix(".svg").write_text(courbe.draw(panels, abscisse="secondes"), encoding="utf-8")
    return result


def memory_of(values: Sequence[float], secondes: Sequence[float], duree: float) -> dict[str, float]:
    """Mio at the first third, the second and the end: flat, or not."""
    kept = [value for value, second in zip(values, secondes, strict=False) if second <= duree]
    third = max(1, len(kept) // 3)
    thirds = (kept[:third], kept[third : 2 * third], kept[2 * third :])
    return {f"tiers_{rang}": round(statistics.median(part), 1) for rang, part in enumerate(thirds, 1) if part}


_EN_ATTENTE: Final = text("SELECT count(*) FROM distribution WHERE etat = 'en_attente'")


def follow(
    threads: Sequence[threading.Thread], envois: Envois, engine: Engine, start: float, console: Console
) -> None:
    """Say where it stands each ten seconds, until the last registration is answered."""
    while any(thread.is_alive() for thread in threads):
        limit = time.monotonic() + _PAS
        for thread in threads:
            thread.join(max(0.0, limit - time.monotonic()))
        with engine.connect() as conn:
            waiting = conn.scalar(_EN_ATTENTE)
        late = quantile(envois.retards[-500:] or [0], 0.99)
        console.print(
            f"{time.monotonic() - start:6.0f} s  {envois.partis:6d} enregistrements, p99 {late:.3f} s, "
            f"{envois.refus} refus, {waiting} distributions en attente, charge {os.getloadavg()[0]:.1f}",
            highlight=False,
        )


def drain(engine: Engine, simules: Sequence[pointe_monde.Simule]) -> None:
    """Leave what was just registered the time to be delivered to those that are well."""
    codes = [s.nouveau.code for s in simules if s.conduite in pointe_monde.SAINES]
    query = text("SELECT count(*) FROM distribution WHERE etat = 'en_attente' AND guichet = ANY(:codes)")
    limit = time.monotonic() + _ECOULEMENT
    while time.monotonic() < limit:
        with engine.connect() as conn:
            if not conn.scalar(query, {"codes": codes}):
                return
        time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duree", type=float, default=600, help="secondes de charge")
    parser.add_argument("--par-seconde", type=float, default=50, help="enregistrements par seconde")
    parser.add_argument("--guichets", type=int, default=1_600)
    parser.add_argument("--filtres", type=int, default=20_000)
    parser.add_argument("--chauffe", type=float, default=10, help="secondes écartées des latences")
    parser.add_argument("--json", type=Path, default=RESULTS, help="fichier de résultats")
    parser.add_argument("--simultanes", type=int, help="envois à la fois vers un guichet, au plus")
    parser.add_argument("--priorite", action="store_true", help="passer devant le reste de la machine (root)")
    options = parser.parse_args()
    console = Console(width=150)
    # Ctrl-C and SIGTERM alike end what was started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    result = run(options, console)
    console.print_json(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()

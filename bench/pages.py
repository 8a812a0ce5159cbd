"""What each page of the console costs on 3 million demandes, for each profile that sees it.

``python -m bench.pages --dossier DOSSIER`` makes a small stock there (bench.stock), makes it large
(bench.multiplication), adds what the console shows beside it (bench.pages_monde), serves it, asks each page
of the table of pages as each profile of its right, prints the slowest and writes
``bench/results/pages.json``.
What is there already is used again; some 25 GB, and ten minutes of processor to make.

The time is that of the server: from the request read to the answer ready, in the process of the hub
(bench.pages_hub); neither the network nor TLS. One client, each variant of a page asked so many times after
one that is not counted, its addresses in turn.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import signal
import ssl
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, time
from http.client import HTTPSConnection, RemoteDisconnected
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import Engine

from bench import cost, pages_cas, pages_monde, servers
from bench.multiplication import make_large
from bench.stock import Parametres, make_stock
from console.profils import LIBELLES, ProfilCompte
from console.reglages import Console as Reglages
from console.securite import COOKIE, COOKIE_AVANT, make_jeton
from console.sessions import Moyen, open_session
from console.table import Page, load_table
from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres

RESULTS = Path(__file__).parent / "results" / "pages.json"
LIMITE_MS = 100.0
_PASSE = 5
_FICHIERS = 1
"""Calls of a pass: a file of ten thousand lines is asked for less often."""
_PETIT = 20_000
"""Demandes of the small stock."""
_MODELES = 1_000
_LENTES = 15
_HEURE = time(11, 0, tzinfo=UTC)
"""At which the last day of a stock is looked at: its last entry is of the hour before."""


@dataclass(frozen=True, slots=True)
class Mesure:
    """A variant of a page for one profile. Milliseconds a request: p50 and p99 of the wait, processor of the
    hub, processor of PostgreSQL. octets: sent, headers included. requetes: statements."""

    page: str
    variante: str
    profil: str
    statut: int
    appels: int
    p50: float
    p99: float
    cpu_hub: float
    cpu_base: float
    requetes: int
    octets: int

    @property
    def tient(self) -> bool:
        return self.p99 < LIMITE_MS


class Navigateur:
    """Asks pages of the console as one account, on one connection."""

    def __init__(self, port: int, ca: Path, jeton: str) -> None:
        self._origine = f"https://localhost:{port}"
        self._secret = jeton
        self._cookie = f"{COOKIE}={jeton}" if jeton else f"{COOKIE_AVANT}=banc"
        self._conn = HTTPSConnection("localhost", port, context=ssl.create_default_context(cafile=ca))

    def ask(self, page: Page, demande: pages_cas.Demande) -> tuple[int, int]:
        """Status and size of the answer."""
        headers = {"Cookie": self._cookie, "Accept-Encoding": "gzip, deflate"}
        body = None
        if demande.champs is not None:
            body = urlencode({"jeton": make_jeton(self._secret or "banc"), **demande.champs})
            headers |= {"Origin": self._origine, "Content-Type": "application/x-www-form-urlencoded"}
        adresse = page.url(**demande.parametres)
        try:
            self._conn.request(page.methode.value, adresse, body, headers)
            answer = self._conn.getresponse()
        except (RemoteDisconnected, ConnectionError):
            # Closed while the other profiles were asking.
            self._conn.close()
            self._conn.request(page.methode.value, adresse, body, headers)
            answer = self._conn.getresponse()
        octets = len(answer.read()) + sum(len(nom) + len(v) + 4 for nom, v in answer.getheaders())
        return answer.status, octets


@dataclass
class Total:
    """What the requests of one line have cost: seconds, but for the sizes."""

    statuts: list[int] = field(default_factory=list)
    octets: list[int] = field(default_factory=list)
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    base: float = 0.0
    requetes: int = 0


Ligne = tuple[Page, str, str, Sequence[pages_cas.Demande]]
"""A page, a variant, a profile or empty, and what is asked in turn."""


class Banc:
    """A console that is served, and what its answers cost."""

    def __init__(self, serveur: servers.Server, trace: Path) -> None:
        self._base = serveur.database
        self._trace = trace.open(encoding="utf-8")
        self._totaux: dict[tuple[str, str, str], Total] = {}
        self.lentes: dict[str, tuple[float, str]] = {}

    def ask(self, ligne: Ligne, navigateur: Navigateur, appels: int) -> None:
        """Ask it so many times more; the first time, once before."""
        assert self._base is not None
        page, variante, profil, demandes = ligne
        total = self._totaux.get((page.nom, variante, profil))
        if total is None:
            navigateur.ask(page, demandes[-1])
            total = self._totaux[page.nom, variante, profil] = Total()
        self._read()
        avant = cost.measure(self._base).cpu
        faits = len(total.statuts)
        for demande in islice(cycle(demandes), faits, faits + appels):
            statut, octets = navigateur.ask(page, demande)
            total.statuts.append(statut)
            total.octets.append(octets)
        total.base += cost.measure(self._base).cpu - avant
        for lue in self._read():
            total.walls.append(lue["wall"])
            total.cpus.append(lue["cpu"])
            total.requetes = max(total.requetes, len(lue["requetes"]))
            for requete, secondes in lue["requetes"]:
                if secondes > self.lentes.get(requete, (0.0, ""))[0]:
                    self.lentes[requete] = (secondes, f"{page.nom} {variante} ({profil})")

    def mesures(self) -> list[Mesure]:
        """What was measured, line by line."""
        return [_mesure(*cle, total) for cle, total in self._totaux.items() if total.statuts]

    def _read(self) -> list[dict[str, Any]]:
        """What was told since the last reading."""
        return [json.loads(ligne) for ligne in self._trace]


def _mesure(page: str, variante: str, profil: str, total: Total) -> Mesure:
    walls, appels = sorted(1000 * each for each in total.walls), len(total.statuts)
    return Mesure(
        page,
        variante,
        profil,
        max(total.statuts),
        appels,
        round(statistics.median(walls), 1),
        round(walls[math.ceil(0.99 * len(walls)) - 1], 1),
        round(1000 * statistics.fmean(total.cpus), 1),
        round(1000 * total.base / appels, 1),
        total.requetes,
        max(total.octets),
    )


def profils_of(page: Page) -> Iterator[ProfilCompte | None]:
    """As whom it is asked; None for nobody."""
    if page.publique:
        yield None
    yield from page.droits


@contextlib.contextmanager
def serving(instance: Path, trace: Path, instant: datetime) -> Iterator[servers.Server]:
    """The console of that instance, traced."""
    port = servers.free_port()
    command = [
        sys.executable,
        "-m",
        "bench.pages_hub",
        str(instance),
        str(port),
        str(trace),
        instant.isoformat(),
    ]
    trace.touch()
    with servers.running("console", command, port, "/", instance / "postgres", patience=300) as serveur:
        yield serveur


def navigateurs(
    engine: Engine, comptes: Mapping[str, object], port: int, instance: Path, instant: datetime
) -> dict[str, Navigateur]:
    """A browser for each profile, and one for nobody."""
    ca = instance / "serveur" / "ca.pem"
    found = {"": Navigateur(port, ca, "")}
    with engine.begin() as conn:
        for profil, compte in comptes.items():
            jeton = open_session(
                conn, compte, Moyen.COMMANDE, Reglages(), instant=instant, adresse="127.0.0.1"
            )  # type: ignore[arg-type]
            found[profil] = Navigateur(port, ca, jeton)
    return found


def measure(instance: Path, options: argparse.Namespace, console: Console) -> tuple[list[Mesure], Banc]:
    """Every page, every profile that sees it."""
    le = json.loads((instance / "stock.json").read_text())["le"]
    instant = datetime.combine(datetime.fromisoformat(le), _HEURE)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(EmbeddedPostgres(instance / "postgres"))
        engine = open_engine(server.url())
        upgrade(engine)
        pages_monde.enrich(engine, server.url(), instance, instant, console)
        comptes = pages_monde.add_comptes(engine, instant)
        trace = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="banc-"))) / "trace.jsonl"
        serveur = stack.enter_context(serving(instance, trace, instant))
        banc = Banc(serveur, trace)
        with engine.connect() as conn:
            tirages = pages_cas.draw(conn, instant)
        navigue = navigateurs(engine, comptes, serveur.port, instance, instant)
        todo: list[Ligne] = [
            (page, variante, "" if profil is None else profil.value, demandes)
            for page in load_table()
            if pages_cas.measured(page) and (not options.pages or page.nom in options.pages)
            for profil in profils_of(page)
            for variante, demandes in pages_cas.cases(page, profil, tirages).items()
            if demandes
        ]
        passes = max(1, options.appels // _PASSE)
        with Progress(console=console, transient=True) as progress, contextlib.suppress(KeyboardInterrupt):
            # By passes: what is interrupted has asked every line as often.
            for _ in range(passes):
                for ligne in progress.track(todo, description="pages"):
                    page, _, profil, _ = ligne
                    appels = _FICHIERS if "exporter" in page.nom else min(_PASSE, options.appels)
                    banc.ask(ligne, navigue[profil], appels)
        engine.dispose()
    return banc.mesures(), banc


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dossier", type=Path, help="où est, ou sera, le stock ; gardé ensuite")
    parser.add_argument("--demandes", type=int, default=3_000_000)
    parser.add_argument("--appels", type=int, default=20, help="appels de chaque ligne")
    parser.add_argument("--pages", nargs="*", default=[], help="celles-là seulement")
    parser.add_argument("--json", type=Path, default=RESULTS, help="fichier de résultats")
    options = parser.parse_args()
    # Stopped, it tells what it has measured.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(width=150)
    with contextlib.ExitStack() as stack:
        dossier = options.dossier or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="banc-pages-"))
        )
        dossier.mkdir(parents=True, exist_ok=True)
        dossier.chmod(0o755)  # the embedded PostgreSQL may run as another user
        instance = dossier / f"pages-{options.demandes}"
        fois = max(1, options.demandes // _PETIT)
        jour = datetime.now(UTC).date().isoformat()
        fiche = instance / "stock.json"
        connu = Parametres(**json.loads(fiche.read_text())) if fiche.exists() else None
        petit = connu or Parametres(options.demandes // fois, jour, _MODELES)
        make_stock(instance, petit, console, os.cpu_count() or 1)
        make_large(instance, fois, console)
        mesures, banc = measure(instance, options, console)
    report(mesures, banc, options, console)


def report(mesures: Sequence[Mesure], banc: Banc, options: argparse.Namespace, console: Console) -> None:
    """Print what is slowest, and write it all."""
    colonnes = (
        "page",
        "variante",
        "profil",
        "statut",
        "p50",
        "p99",
        "cpu_hub",
        "cpu_base",
        "requetes",
        "octets",
    )
    table = Table(
        *colonnes,
        title=f"{sum(not each.tient for each in mesures)} de {len(mesures)} à plus de {LIMITE_MS:.0f} ms",
    )
    for mesure in sorted(mesures, key=lambda each: -each.p99)[:60]:
        table.add_row(*(str(getattr(mesure, nom)) for nom in colonnes))
    console.print(table)
    lentes = sorted(
        ((secondes, ou, requete) for requete, (secondes, ou) in banc.lentes.items()), reverse=True
    )
    for secondes, ou, requete in lentes[:_LENTES]:
        console.print(f"{1000 * secondes:.0f} ms, {ou} : {requete[:200]}", markup=False)
    contenu = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cœurs, Python {platform.python_version()}",
        "charge": [round(each, 1) for each in os.getloadavg()],
        "demandes": options.demandes,
        "limite_ms": LIMITE_MS,
        "appels": min(each.appels for each in mesures if "exporter" not in each.page),
        "profils": {profil.value: LIBELLES[profil] for profil in ProfilCompte},
        "mesures": [asdict(mesure) for mesure in mesures],
        "lentes": [
            {"ms": round(1000 * secondes, 1), "page": ou, "requete": requete[:300]}
            for secondes, ou, requete in lentes[:_LENTES]
        ],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(contenu, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

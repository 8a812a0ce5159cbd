"""What a call costs with 100,000 demandes and with 3 million, and how much more with the latter.

``python -m bench.volumes --dossier DOSSIER`` makes the two stocks (bench.stock) where they are missing, then
measures, prints a table and writes ``bench/results/volumes.json``. About 25 GB and, on two free cores, some
twenty minutes for the stocks and ten for the measures.

A hub and a database for each stock, both running from the beginning to the end; the calls go to the one and
to the other by turns, so that whatever else the machine does weighs on both alike. One client: each call is
then a batch of its own, the dearest case.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import random
import secrets
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench import cost, load, servers
from bench.appels import TIREURS, Appels
from bench.stock import MODELES, Parametres, make_stock
from registry.embedded import EmbeddedPostgres

RESULTS = Path(__file__).parent / "results" / "volumes.json"
TAILLES = (100_000, 3_000_000)
_PAGE = 8192


@dataclass
class Total:
    """What the calls of one kind have cost on one stock. latences in seconds."""

    latences: list[float] = field(default_factory=list)
    erreurs: int = 0
    cpu_hub: float = 0.0
    cpu_base: float = 0.0
    octets_lus: int = 0
    octets_ecrits: int = 0


@dataclass(frozen=True, slots=True)
class Mesure:
    """One line: milliseconds a call.

    pages: those of 8 KB that the memory of PostgreSQL did not hold, a call. wal: Kio of its journal, a call.
    """

    operation: str
    demandes: int
    appels: int
    p50: float
    p99: float
    cpu_hub: float
    cpu_base: float
    pages: float
    wal: float
    erreurs: int

    @property
    def cpu(self) -> float:
        return self.cpu_hub + self.cpu_base


class Banc:
    """One stock with its hub."""

    def __init__(self, taille: int, instance: Path, server: servers.Server, url: str) -> None:
        self.taille = taille
        self._instance = instance
        self._server = server
        # Kept: what a connection that ends has used would be counted again.
        self._conn = psycopg.connect(url, autocommit=True)
        assert server.database is not None
        self._base = server.database
        self.totaux: dict[str, Total] = {}

    def draw(self, graine: str, nombre: int, noms: Sequence[str]) -> list[Appels]:
        """The calls of one turn, all kinds."""
        return [
            tireur(self._conn, random.Random(f"{graine} {tireur.__name__}"), nombre)
            for tireur in TIREURS
            if not noms or tireur.__name__ in noms
        ]

    def call(self, appels: Appels, *, compte: bool) -> None:
        """Make the calls; `compte`: and note what they cost."""
        avant = self._state()
        issue = load.run(
            self._server.port,
            self._instance / "partenaires" / appels.guichet,
            appels.requetes,
            1,
            accept=appels.attendu,
        )
        apres = self._state()
        if not compte:
            return
        total = self.totaux.setdefault(appels.nom, Total())
        total.latences.extend(issue.latencies)
        total.erreurs += issue.errors
        hub, base, lus, ecrits = (fin - debut for debut, fin in zip(avant, apres, strict=True))
        total.cpu_hub += hub
        total.cpu_base += base
        total.octets_lus += int(lus)
        total.octets_ecrits += int(ecrits)

    def _state(self) -> tuple[float, float, int, int]:
        """CPU of the hub and of PostgreSQL, bytes it has read, bytes of its journal, since they began."""
        (wal,) = self._conn.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone() or (0,)
        return (
            cost.measure(self._server.pid).cpu,
            cost.measure(self._base).cpu,
            cost.read_bytes(self._base),
            int(wal),
        )

    def mesure(self, operation: str) -> Mesure:
        total = self.totaux[operation]
        nombre = len(total.latences) + total.erreurs
        centiles = statistics.quantiles([1000 * each for each in total.latences] or [0.0, 0.0], n=100)
        return Mesure(
            operation,
            self.taille,
            nombre,
            round(centiles[49], 2),
            round(centiles[98], 2),
            round(1000 * total.cpu_hub / nombre, 3),
            round(1000 * total.cpu_base / nombre, 3),
            round(total.octets_lus / _PAGE / nombre, 1),
            round(total.octets_ecrits / 1024 / nombre, 2),
            total.erreurs,
        )

    def check(self, debut: datetime) -> None:
        """Raises RuntimeError when files were replays: their cost is not that of a registration."""
        ligne = self._conn.execute(
            "SELECT count(*) FROM echange WHERE statut = 'rejeu' AND recu_le >= %s", (debut,)
        ).fetchone()
        if ligne != (0,):
            raise RuntimeError(f"{ligne} rejeux sur le stock de {self.taille} demandes")


def measure(bancs: Sequence[Banc], options: argparse.Namespace, console: Console) -> None:
    """The turns: each kind of call on each stock, in an order that alternates."""
    # A kept stock has answered the calls of the time before: the same ones again would be replays.
    graine = secrets.token_hex(8)
    debut = datetime.now(UTC)
    with Progress(console=console) as progress:
        for tour in progress.track(range(options.tours + 1), description="tours"):
            tirages = [banc.draw(f"{graine} {tour}", options.bloc, options.operations) for banc in bancs]
            for rang in range(len(tirages[0])):
                ordre = list(zip(bancs, tirages, strict=True))
                for banc, tirage in ordre if (tour + rang) % 2 else reversed(ordre):
                    # The first turn fills the memories.
                    banc.call(tirage[rang], compte=tour > 0)
    for banc in bancs:
        banc.check(debut)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dossier", type=Path, help="où sont, ou seront, les stocks ; gardés ensuite")
    parser.add_argument("--tailles", type=int, nargs="+", default=TAILLES, help="demandes de chaque stock")
    parser.add_argument("--tours", type=int, default=8)
    parser.add_argument("--bloc", type=int, default=100, help="appels d'affilée sur un stock")
    parser.add_argument("--operations", nargs="*", default=[], help="celles-là seulement (bench/appels.py)")
    parser.add_argument("--json", type=Path, default=RESULTS, help="fichier de résultats")
    options = parser.parse_args()
    console = Console(width=150)
    with contextlib.ExitStack() as stack:
        dossier = options.dossier
        if dossier is None:
            dossier = Path(tempfile.mkdtemp(prefix="banc-volumes-"))
            stack.callback(shutil.rmtree, dossier)
        dossier.mkdir(parents=True, exist_ok=True)
        dossier.chmod(0o755)  # the embedded PostgreSQL may run as another user
        jour = datetime.now(UTC).date().isoformat()
        bancs = []
        for taille in options.tailles:
            instance = dossier / f"stock-{taille}"
            fiche = instance / "stock.json"
            connu = Parametres(**json.loads(fiche.read_text())) if fiche.exists() else None
            make_stock(instance, connu or Parametres(taille, jour, MODELES), console, os.cpu_count() or 1)
            server = stack.enter_context(EmbeddedPostgres(instance / "postgres"))
            hub = stack.enter_context(servers.hub(instance))
            bancs.append(Banc(taille, instance, hub, server.url()))
        measure(bancs, options, console)
    report(bancs, options, console)


def report(bancs: Sequence[Banc], options: argparse.Namespace, console: Console) -> None:
    """Print, and write the JSON: the measures, then the ratio of the largest stock to the smallest."""
    lignes = [banc.mesure(nom) for nom in bancs[0].totaux for banc in bancs]
    table = Table(title=f"un client, {options.tours} tours de {options.bloc} appels, stocks alternés")
    for head in (
        "opération",
        "demandes",
        "appels",
        "p50 ms",
        "p99 ms",
        "CPU hub",
        "CPU base",
        "pages",
        "WAL Kio",
        "erreurs",
    ):
        table.add_column(head, justify="left" if head == "opération" else "right")
    for ligne in lignes:
        table.add_row(*(str(getattr(ligne, nom)) for nom in Mesure.__slots__))
    console.print(table)
    rapports = {}
    for nom in bancs[0].totaux:
        petit, grand = (
            next(each for each in lignes if (each.operation, each.demandes) == (nom, banc.taille))
            for banc in (bancs[0], bancs[-1])
        )
        rapports[nom] = {
            "cpu": round(grand.cpu / petit.cpu, 2) if petit.cpu else None,
            "p50": round(grand.p50 / petit.p50, 2) if petit.p50 else None,
        }
        console.print(f"{nom} : CPU ×{rapports[nom]['cpu']}, p50 ×{rapports[nom]['p50']}")
    contenu = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cœurs, Python {platform.python_version()}",
        "charge": [round(each, 1) for each in os.getloadavg()],
        "tours": options.tours,
        "bloc": options.bloc,
        "mesures": [asdict(ligne) for ligne in lignes],
        "rapports": rapports,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(contenu, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

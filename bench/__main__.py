"""Registrations and reads through the whole hub, beside two echo servers in the same run.

``python -m bench`` prints a table and writes ``bench/results/synchrone.json``. Options: ``--nombre``
requests of each run, ``--clients`` connections. Everything is on loopback and stops by itself.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench import cost, load, messages, servers
from schemas.generation import generate_demandes

RESULTS = Path(__file__).parent / "results" / "synchrone.json"
NUMERO = re.compile(rb"<ns1:numUnique[^>]*>([^<]{18})</ns1:numUnique>")


@dataclass(frozen=True, slots=True)
class Line:
    """One measured run. Milliseconds unless named otherwise."""

    serveur: str
    operation: str
    par_seconde: float
    p50: float
    p99: float
    cpu_serveur: float
    cpu_base: float
    memoire_mio: float
    erreurs: int


def measure_run(
    server: servers.Server,
    operation: str,
    folder: Path,
    requests: list[load.Request],
    clients: int,
    accept: bytes,
) -> tuple[Line, load.Outcome]:
    """Warm up with a tenth of the requests, then measure the others."""
    warm = max(clients, len(requests) // 10)
    load.run(server.port, folder, requests[:warm], clients)
    before = cost.measure(server.pid)
    base_before = cost.measure(server.database) if server.database else cost.Cost(0, 0)
    outcome = load.run(server.port, folder, requests[warm:], clients, keep=True, accept=accept)
    after = cost.measure(server.pid)
    base_after = cost.measure(server.database) if server.database else cost.Cost(0, 0)
    count = len(requests) - warm
    line = Line(
        server.name,
        operation,
        round(outcome.rate, 1),
        round(outcome.percentile(0.5), 2),
        round(outcome.percentile(0.99), 2),
        round(1000 * (after.cpu - before.cpu) / count, 3),
        round(1000 * (base_after.cpu - base_before.cpu) / count, 3),
        round(after.memory / 2**20, 1),
        outcome.errors,
    )
    return line, outcome


def prepare_instance(root: Path) -> tuple[Path, Path]:
    """A fresh instance with a bailleur, its certificate, and three guichets whose filters match often.

    Their distributions are decided and written with each registration; without an address to send them to,
    they wait.
    """
    instance, folder = root / "instance", root / "client"
    servers.echangeur("init", str(instance))
    add = ("--instance", str(instance), "guichet", "ajouter")
    servers.echangeur(
        *add, "G1104", "--nom", "Banc A", "--type", "bailleur", "--siren", "552046484", "--territoire", "111"
    )
    for code, type_logement in (("G1226", "T2"), ("G1300", "T3"), ("G1400", "T4")):
        servers.echangeur(
            *add,
            code,
            "--nom",
            f"Banc {code}",
            "--type",
            "bailleur",
            "--siren",
            "552046484",
            "--territoire",
            "111",
        )
        filtre = ("--nom", f"Tous les {type_logement}", "--type-logement", type_logement)
        servers.echangeur("--instance", str(instance), "filtre", "ajouter", code, *filtre)
    servers.echangeur("--instance", str(instance), "certificat", "emettre", "G1104", "--dossier", str(folder))
    return instance, folder


def _with_attestation(path: str, document: bytes) -> load.Request:
    return messages.mtom_registration(path, document, messages.ATTESTATION)


def documents(count: int, console: Console) -> list[bytes]:
    """As many realistic demandes, no two about persons that a search of doublons could confuse."""
    with Progress(console=console, transient=True) as progress:
        drawn = generate_demandes("banc", count)
        return list(progress.track(drawn, total=count, description="demandes"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nombre", type=int, default=3000, help="requêtes par mesure")
    parser.add_argument("--clients", type=int, default=16, help="connexions simultanées")
    parser.add_argument("--json", type=Path, default=RESULTS, help="fichier de résultats")
    options = parser.parse_args()
    console = Console(width=150)
    lines: list[Line] = []
    n, clients = options.nombre, options.clients
    docs = documents(3 * n, console)
    with tempfile.TemporaryDirectory(prefix="banc-") as temporary:
        root = Path(temporary)
        root.chmod(0o755)  # the embedded PostgreSQL may run as another user
        instance, folder = prepare_instance(root)
        peer_folder = instance_server_files(instance, root)

        def peer(server: servers.Server, build: Callable[[str, bytes], load.Request]) -> None:
            requests = [build(server.path, doc) for doc in docs[:n]]
            line, _ = measure_run(server, "écho", folder, requests, clients, b"fichierDemande")
            lines.append(line)
            console.print(f"{line.serveur} : {line.par_seconde}/s")

        with servers.lxml_nu(peer_folder) as server:
            peer(server, messages.plain_registration)
        for workers in (1, 2):
            with servers.spyne_nu(peer_folder, workers) as server:
                peer(server, messages.stock_spyne_registration)
        with servers.hub(instance) as server:
            numeros: list[str] = []
            for label, build, batch in (
                ("enregistrement MTOM", messages.mtom_registration, docs[:n]),
                ("enregistrement en ligne", messages.plain_registration, docs[n : 2 * n]),
                ("enregistrement MTOM avec attestation", _with_attestation, docs[2 * n :]),
            ):
                requests = [build(server.path, doc) for doc in batch]
                line, outcome = measure_run(server, label, folder, requests, clients, b"numUnique")
                lines.append(line)
                console.print(f"{line.serveur}, {label} : {line.par_seconde}/s")
                if not numeros:
                    numeros = [m.group(1).decode() for a in outcome.answers if (m := NUMERO.search(a))]
            for label, build_read in (
                ("lecture MTOM", messages.mtom_read),
                ("lecture en ligne", messages.plain_read),
            ):
                requests = [build_read(server.path, numeros[i % len(numeros)]) for i in range(n)]
                line, _ = measure_run(server, label, folder, requests, clients, b"Reponse")
                lines.append(line)
                console.print(f"{line.serveur}, {label} : {line.par_seconde}/s")
    report(lines, options, console)


def instance_server_files(instance: Path, root: Path) -> Path:
    """cert.pem, key.pem and ca.pem of the server certificate of the instance, for the peers."""
    folder = root / "pair"
    folder.mkdir(exist_ok=True)
    for target, source in (
        ("cert.pem", "serveur/cert.pem"),
        ("key.pem", "serveur/key.pem"),
        ("ca.pem", "serveur/ca.pem"),
    ):
        (folder / target).write_bytes((instance / source).read_bytes())
    return folder


def report(lines: list[Line], options: argparse.Namespace, console: Console) -> None:
    """Print the table and write the JSON with the ratios to the peers of the same run."""
    table = Table(
        title=f"{options.clients} clients, {options.nombre} requêtes, TLS mutuel, connexions tenues"
    )
    for head in ("serveur", "opération", "/s", "p50 ms", "p99 ms", "CPU ms", "CPU base ms", "Mio", "erreurs"):
        table.add_column(head, justify="left" if head in ("serveur", "opération") else "right")
    for line in lines:
        table.add_row(*(str(getattr(line, name)) for name in Line.__slots__))
    console.print(table)
    rate = {(line.serveur, line.operation): line.par_seconde for line in lines}
    bare, stock = rate["lxml nu, aiohttp", "écho"], rate["spyne d'origine, gunicorn ×1", "écho"]
    ratios = {
        "enregistrement MTOM / écho spyne d'origine": round(
            rate["echangeur", "enregistrement MTOM"] / stock, 2
        ),
        "enregistrement en ligne / écho spyne d'origine": round(
            rate["echangeur", "enregistrement en ligne"] / stock, 2
        ),
        "lecture MTOM / écho lxml nu": round(rate["echangeur", "lecture MTOM"] / bare, 2),
        "lecture en ligne / écho lxml nu": round(rate["echangeur", "lecture en ligne"] / bare, 2),
    }
    for name, value in ratios.items():
        console.print(f"{name} : [bold]{value}[/bold]")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "clients": options.clients,
        "requetes": options.nombre,
        "mesures": [{name: getattr(line, name) for name in Line.__slots__} for line in lines],
        "rapports": ratios,
    }
    options.json.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    console.print(f"Résultats : {options.json}")


if __name__ == "__main__":
    main()

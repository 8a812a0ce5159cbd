"""Where the time of a registration goes: each step alone, in one process, the best of several rounds.

``python -m bench.etapes`` prints a table and writes ``bench/results/etapes.json``. The best round and not the
mean: other processes can only slow a step down.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from bench.servers import echangeur
from dispatching.decision import Distributeur
from echangeur.instance import open_instance
from registry.clock import SystemClock
from registry.controles import PARIS
from registry.echanges import Canal, Echange, Emetteur
from registry.guichets_store import get_guichet
from registry.handlers import Traitement
from registry.identites import cles_of
from schemas.codes import check_codes
from schemas.demande import Demande, read_demande
from schemas.documents import DEMANDES, Document, read_document
from schemas.emission import TYPE_RETOUR, emit_demande
from schemas.generation import generate_demandes
from soap.correlation import new_id

RESULTS = Path(__file__).parent / "results" / "etapes.json"
ROUNDS = 9
SAMPLE = 256
T = TypeVar("T")


def best(work: Callable[[T], object], samples: Sequence[T]) -> float:
    """Microseconds of `work` on one sample, in the best of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for sample in samples:
            work(sample)
        rounds.append(time.perf_counter() - begin)
    return round(min(rounds) / len(samples) * 1e6, 1)


def demande_of(data: bytes) -> Demande:
    """A fresh view of the document: a view remembers what it has read."""
    document = read_document(data, DEMANDES)
    assert isinstance(document, Document)
    return read_demande(document.root)


def best_fresh(work: Callable[[Demande], object], documents: Sequence[bytes]) -> float:
    """The same for a work on demandes that nobody has read yet."""
    rounds = []
    for _ in range(ROUNDS):
        demandes = [demande_of(data) for data in documents]
        begin = time.perf_counter()
        for demande in demandes:
            work(demande)
        rounds.append(time.perf_counter() - begin)
    return round(min(rounds) / len(documents) * 1e6, 1)


def pure_steps(documents: Sequence[bytes]) -> dict[str, float]:
    """The steps that touch no database."""
    now = datetime.now(UTC)
    jour = now.astimezone(PARIS).date()

    def emit(demande: Demande) -> bytes:
        return emit_demande(
            demande.root, type_fichier=TYPE_RETOUR, date_fichier=now, num_unique="1111126000001G1104"
        )

    return {
        "lire et valider le fichier (XML, XSD)": best(lambda d: read_document(d, DEMANDES), documents),
        "vérifier les codes": best_fresh(lambda d: check_codes(d.root, jour), documents),
        "clés d'identité": best_fresh(cles_of, documents),
        "écrire la réponse": best_fresh(emit, documents),
    }


def database_steps(documents: Sequence[bytes]) -> dict[str, float]:
    """Reception and registration of batches, in a real database with durable commits."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="banc-") as temporary:
        root = Path(temporary)
        root.chmod(0o755)  # the embedded PostgreSQL may run as another user
        folder = root / "instance"
        echangeur("init", str(folder))
        echangeur(
            *(
                "--instance",
                str(folder),
                "guichet",
                "ajouter",
                "G1104",
                "--nom",
                "Banc",
                "--type",
                "bailleur",
            ),
            *("--siren", "552046484", "--territoire", "111"),
        )
        with open_instance(folder).database() as engine:
            with engine.begin() as conn:
                guichet = get_guichet(conn, "G1104")
            assert guichet is not None
            traitement = Traitement(engine, clock, Distributeur(clock))
            emetteur = Emetteur(guichet, "0" * 64)

            def exchange(data: bytes) -> Echange:
                now = clock.now()
                return Echange(new_id(now), emetteur, Canal.SOAP, "getNumUnique", now, data)

            async def register(lot: Sequence[bytes]) -> None:
                exchanges = [exchange(data) for data in lot]
                await asyncio.gather(*map(traitement.receive, exchanges))
                await asyncio.gather(*(traitement.get_num_unique(e, e.octets) for e in exchanges))

            async def measure() -> dict[str, float]:
                found = {}
                remaining = list(documents)
                await traitement.start()
                await register([remaining.pop() for _ in range(64)])
                for size, rounds in ((1, 40), (4, 16), (16, 16), (64, 6)):
                    times = []
                    for _ in range(rounds):
                        lot = [remaining.pop() for _ in range(size)]
                        begin = time.perf_counter()
                        await register(lot)
                        times.append(time.perf_counter() - begin)
                    name = f"de la réception à la réponse, {size} à la fois"
                    found[name] = round(min(times) / size * 1e6, 1)
                await traitement.stop()
                return found

            return asyncio.run(measure())


def main() -> None:
    documents = list(generate_demandes("étapes", SAMPLE + 1200))
    steps = pure_steps(documents[:SAMPLE])
    steps |= database_steps(documents[SAMPLE:])
    table = Table(title="µs par demande, sans SOAP ni TLS")
    table.add_column("étape")
    table.add_column("µs", justify="right")
    for name, value in steps.items():
        table.add_row(name, str(value))
    Console().print(table)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "taille_moyenne": round(sum(map(len, documents)) / len(documents)),
        "etapes": steps,
    }
    RESULTS.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

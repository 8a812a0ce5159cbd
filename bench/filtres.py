"""One demande against 2,000 to 1,000,000 filters: the index of the hub beside what else could be used.

``python -m bench.filtres`` prints a table and writes ``bench/results/filtres.json``. Options: ``--tailles``
(what is known of the other sizes is kept), ``--demandes``. Beside the index, in the same run and on the same
filters and demandes: a naive loop, SQLite, and percolation in PostgreSQL (a GIN index on the places of the
filters, the other conditions as columns). All must give the same answers.

A figure is the median over the demandes of the best of several rounds: other processes can only slow one
down.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from bench.charge_filtres import keep_filtres, measure_loading
from bench.filtres_sql import Postgres, Sqlite
from bench.tirage_filtres import draw_filtres, populations
from filters.explanation import explain
from filters.index import FilterIndex
from filters.language import Filtre
from filters.naive import matches
from filters.source import Contexte
from filters.traits import Traits, traits_of
from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres
from schemas.demande import read_demande
from schemas.documents import DEMANDES, Document, read_document
from schemas.generation import generate_demandes
from schemas.tirage import Tirage

RESULTS = Path(__file__).parent / "results" / "filtres.json"
TAILLES = (2_000, 20_000, 200_000, 1_000_000)
GRAINE = 20261128
CONTEXTE = Contexte("CRE", "G1104", date(2026, 11, 28))
PAIRES_NAIVES = 400_000
"""Pairs that the naive loop evaluates for one size: it takes some seconds a million."""
SECONDES = 3.0
"""How long the rounds of one way last: the shortest ones are the most disturbed by others."""
ROUNDS = (3, 300)
Run = Callable[[Traits], object]


@dataclass(frozen=True, slots=True)
class Line:
    """One measured way. Microseconds for one demande; construction in seconds; mémoire in Mio, 0 unknown."""

    filtres: int
    moyen: str
    p50: float
    p99: float
    retenus: float
    construction: float
    memoire: float


def draw_documents(count: int) -> list[bytes]:
    """Demandes of the whole country, by population."""
    t = Tirage(random.Random(GRAINE))
    generators: dict[str, Iterator[bytes]] = {}
    found = []
    for _ in range(count):
        territoire = t.pese(populations())
        if territoire not in generators:
            generators[territoire] = generate_demandes(f"filtres {territoire}", count, territoire=territoire)
        found.append(next(generators[territoire]))
    return found


def fresh(documents: Sequence[bytes]) -> list[Traits]:
    """The demandes, not yet read."""
    found = []
    for data in documents:
        document = read_document(data, DEMANDES)
        assert isinstance(document, Document)
        found.append(traits_of(read_demande(document.root), CONTEXTE))
    return found


def microseconds(run: Run, demandes: Sequence[Traits], rounds: int = 0) -> list[float]:
    """The best round for each demande. rounds: 0 for as many as the time allows."""
    best = [float("inf")] * len(demandes)
    least, most = (rounds, rounds) if rounds else ROUNDS
    start = time.perf_counter()
    for done in range(most):
        if done >= least and time.perf_counter() - start > SECONDES:
            break
        for rank, traits in enumerate(demandes):
            begin = time.perf_counter_ns()
            run(traits)
            best[rank] = min(best[rank], (time.perf_counter_ns() - begin) / 1000)
    return best


def line(size: int, name: str, times: list[float], found: float, built: float, memory: float = 0) -> Line:
    percentile = statistics.quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    return Line(
        size,
        name,
        round(statistics.median(times), 1),
        round(percentile, 1),
        round(found, 1),
        round(built, 2),
        round(memory, 1),
    )


def resident() -> float:
    """Memory of this process, Mio."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def measure_index(
    size: int, filtres: Sequence[Filtre], documents: Sequence[bytes], other: Sequence[Filtre]
) -> tuple[FilterIndex, list[Line], dict[str, float]]:
    """The index: matching, then what reading a demande, changing a filter and explaining a pair cost."""
    gc.collect()
    before, begin = resident(), time.perf_counter()
    index = FilterIndex(enumerate(filtres))
    built, memory = time.perf_counter() - begin, resident() - before
    demandes = fresh(documents)
    for traits in demandes:
        index.match(traits)
    times = microseconds(index.match, demandes)
    listed = microseconds(lambda traits: list(index.match(traits)), demandes)
    found = statistics.mean(len(index.match(traits)) for traits in demandes)
    unread = [microseconds(index.match, fresh(documents), 1) for _ in range(10)]
    first = [min(each) for each in zip(*unread, strict=True)]
    lines = [
        line(size, "index de l'échangeur", times, found, built, memory),
        line(size, "index, et la liste des filtres retenus", listed, found, built),
        line(size, "index, et la lecture de la demande", first, found, built),
    ]
    changes, cold = [], []
    for rank, filtre in enumerate(other):
        begin = time.perf_counter()
        index.remove(rank)
        index.add(rank, filtre)
        changes.append((time.perf_counter() - begin) * 1e6)
        begin = time.perf_counter()
        index.match(demandes[rank % len(demandes)])
        cold.append((time.perf_counter() - begin) * 1e6)
        index.remove(rank)
        index.add(rank, filtres[rank])
    pairs = [(filtre, traits) for filtre in filtres[:200] for traits in demandes[:5]]
    explained = [microseconds(lambda _, p=pair: explain(*p).texte, [pair[1]], 10)[0] for pair in pairs]  # type: ignore[misc]
    return (
        index,
        lines,
        {
            "changer un filtre": round(statistics.median(changes), 1),
            "la première décision qui suit": round(statistics.median(cold), 1),
            "expliquer un couple": round(statistics.median(explained), 1),
            "expliquer un couple, le plus long": round(max(explained), 1),
        },
    )


def measure(
    size: int, filtres: list[Filtre], documents: Sequence[bytes], engine: Engine, console: Console
) -> tuple[list[Line], dict[str, float]]:
    """All the ways for one size."""
    other = draw_filtres(random.Random(GRAINE + 1), 50)
    keep_filtres(engine, filtres)
    cpu, wait = measure_loading(engine)
    index, lines, more = measure_index(size, filtres, documents, other)
    more |= {"charger de la base (s de processeur)": round(cpu, 2), "attente comprise (s)": round(wait, 2)}
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    demandes = fresh(documents)
    expected = [set(index.match(traits)) for traits in demandes]
    del index
    few = max(1, min(len(demandes), PAIRES_NAIVES // size))

    def loop(traits: Traits) -> list[int]:
        return [key for key, filtre in enumerate(filtres) if matches(filtre, traits)]

    for traits, keys in zip(demandes[:few], expected, strict=False):
        assert set(loop(traits)) == keys, "l'index et la boucle naïve diffèrent"
    times = microseconds(loop, demandes[:few], 2 if size <= 20_000 else 1)
    lines.append(line(size, "boucle naïve", times, statistics.mean(map(len, expected[:few])), 0))
    for way in (Sqlite, Postgres):
        begin = time.perf_counter()
        with way(filtres, url) as base:
            built = time.perf_counter() - begin
            asked = demandes[: 100 if size <= 200_000 else 30]
            for traits, keys in zip(asked, expected, strict=False):
                assert base.match(traits) == keys, f"l'index et {way.nom} diffèrent"
            times = microseconds(base.match, asked)
        lines.append(line(size, way.nom, times, statistics.mean(map(len, expected[: len(asked)])), built))
    for each in lines:
        console.print(f"{size} : {each.moyen} : {each.p50} µs")
    return lines, more


def kept(path: Path, tailles: Sequence[int]) -> tuple[list[dict[str, Any]], dict[str, dict[str, float]]]:
    """What was measured before for other sizes: each size is a comparison of its own."""
    if not path.exists():
        return [], {}
    known = json.loads(path.read_text(encoding="utf-8"))
    return (
        [each for each in known["mesures"] if each["filtres"] not in tailles],
        {taille: each for taille, each in known["autres"].items() if int(taille) not in tailles},
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tailles", type=int, nargs="+", default=TAILLES, help="nombres de filtres")
    parser.add_argument("--demandes", type=int, default=300)
    parser.add_argument("--json", type=Path, default=RESULTS, help="fichier de résultats")
    options = parser.parse_args()
    console = Console(width=150)
    documents = draw_documents(options.demandes)
    lines: list[Line] = []
    more: dict[str, dict[str, float]] = {}
    filtres: list[Filtre] = []
    rng = random.Random(GRAINE)
    with tempfile.TemporaryDirectory(prefix="banc-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # the embedded PostgreSQL may run as another user
        with EmbeddedPostgres(folder / "postgres") as server:
            engine = open_engine(server.url())
            upgrade(engine)
            for size in sorted(options.tailles):
                filtres += draw_filtres(rng, size - len(filtres))
                found, details = measure(size, filtres, documents, engine, console)
                lines += found
                more[str(size)] = details
            engine.dispose()
    table = Table(title=f"une demande contre tous les filtres, {options.demandes} demandes")
    for head in ("filtres", "moyen", "p50 µs", "p99 µs", "retenus", "construction s", "Mio"):
        table.add_column(head, justify="left" if head == "moyen" else "right")
    for each in lines:
        table.add_row(*(str(getattr(each, name)) for name in Line.__slots__))
    console.print(table)
    console.print(more)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    mesures, autres = kept(options.json, options.tailles)
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "demandes": options.demandes,
        "mesures": sorted([*mesures, *map(asdict, lines)], key=lambda each: int(each["filtres"])),
        "autres": dict(sorted((autres | more).items(), key=lambda item: int(item[0]))),
    }
    options.json.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

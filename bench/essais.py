"""One filter against 100,000 to 3,000,000 demandes: the back-test of the hub beside what else could be used.

``python -m bench.essais`` prints a table, writes ``bench/results/essais.json`` and the plot of
docs/mesures.md. Options: ``--tailles`` (what is known of the other sizes is kept), ``--filtres``,
``--image-seule``. The drafts
are drawn as guichets write them (bench.tirage_filtres), each against itself less one condition; the demandes
are copies of generated ones (bench.tirage_stock). In the same run, on the same drafts and demandes: a table
in PostgreSQL and one in SQLite, indexed by place, and a naive loop over some of the demandes. All must give
the same numbers.

A figure is the median, or the longest, over the drafts, of the best of several rounds: others can only slow
one down. The processor time is given too: it is what a shared machine does not change.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import Engine, text

from bench.essais_sql import Postgres, Reponse, Sqlite, traits_of_ligne
from bench.filtres_sql import columns_in_use
from bench.tirage_filtres import draw_filtres, populations
from bench.tirage_stock import draw_lignes, draw_modeles
from bench.trace_essais import draw
from dispatching.essai import Essai, essayer, not_held
from filters.criteria import LIEUX
from filters.image import Image
from filters.language import Condition, Filtre
from filters.lieux import communes_in, situation
from filters.lignes import Ligne
from filters.naive import matches
from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres
from registry.guichets import Guichet, TypeGuichet

RESULTS = Path(__file__).parent / "results" / "essais.json"
TAILLES = (100_000, 1_000_000, 3_000_000)
GRAINE = 20261129
JOUR = date(2026, 11, 28)
MODELES = 4_000
LARGES = 8
"""Drafts without a place, tried on the whole country."""
NAIVES = 20_000
"""Demandes that the naive loop looks at, spread over all: its time for all is that many times longer."""
TOURS = 5
SQL_SECONDES = 20.0
"""How long the rounds of a draft in SQL last at most: the first one always ends."""
_LOT = 5_000
_DETENUES = 10
"""One demande in so many is held by the guichet."""


@dataclass(frozen=True, slots=True)
class Line:
    """One measured way. Milliseconds for one draft; construction in seconds; mémoire and disque in Mio.

    0: not known."""

    demandes: int
    moyen: str
    p50: float
    max: float
    cpu_p50: float
    cpu_max: float
    construction: float
    memoire: float
    disque: float


@dataclass(frozen=True, slots=True)
class Epreuve:
    """A draft, the filter that it is compared with, and who tries it."""

    guichet: Guichet
    draft: Filtre
    other: Filtre


def draw_epreuves(count: int) -> list[Epreuve]:
    """Drafts of guichets that read the territories of their places; the whole country without a place."""
    rng = random.Random(GRAINE)
    found = []
    while len(found) < count:
        (draft,) = draw_filtres(rng, 1)
        if len(draft.conditions) < 2:
            continue
        others = [c for c in draft.conditions if c.critere not in LIEUX] or draft.conditions
        gone = rng.choice(others)
        other = Filtre(draft.nom, tuple(c for c in draft.conditions if c is not gone))
        territoires = frozenset(populations())
        for condition in draft.conditions:
            if condition.critere in LIEUX:
                assert isinstance(condition, Condition)
                communes = communes_in(condition.critere, condition.valeurs)
                territoires = frozenset().union(*(situation(code).territoires for code in communes))
        guichet = Guichet("G1226", "Banc", TypeGuichet.BAILLEUR, "", territoires)
        found.append(Epreuve(guichet, draft, other))
    return found


def make_image(
    size: int, dossier: Path, bases: Sequence[Postgres | Sqlite], console: Console
) -> tuple[list[float], dict[int, Ligne]]:
    """Write the rows everywhere; seconds that the image and each base took, and some of the rows."""
    image = Image(dossier)
    modeles = draw_modeles(MODELES, JOUR)
    rows = draw_lignes(modeles, size, f"{GRAINE}", JOUR)
    spent = [0.0] * (1 + len(bases))
    some: dict[int, Ligne] = {}
    step = max(1, size // NAIVES)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"{size} demandes", total=size)
        while lot := list(islice(rows, _LOT)):
            first = image.taille
            some.update({first + n: ligne for n, ligne in enumerate(lot) if (first + n) % step == 0})
            begin = time.perf_counter()
            image.append(lot)
            spent[0] += time.perf_counter() - begin
            for rank, base in enumerate(bases, 1):
                begin = time.perf_counter()
                base.load(first, lot, JOUR)
                spent[rank] += time.perf_counter() - begin
            progress.update(task, completed=image.taille)
    begin = time.perf_counter()
    image.flush()
    spent[0] += time.perf_counter() - begin
    (dossier / "tailles.json").write_text(json.dumps([image.taille, image.sizes()]))
    for rank, base in enumerate(bases, 1):
        begin = time.perf_counter()
        base.index()
        spent[rank] += time.perf_counter() - begin
    return spent, some


def reopen(dossier: Path) -> Image:
    """The image, mapped as a command does."""
    taille, sizes = json.loads((dossier / "tailles.json").read_text())
    image = Image(dossier)
    image.reopen(taille, sizes)
    return image


def hold(engine: Engine, image: Image) -> None:
    """Who holds what: the guichet, some of all."""
    numeros = [
        numero.decode("ascii") for numero in image.numeros.valeurs[: image.taille : _DETENUES].tolist()
    ]
    with engine.begin() as conn:
        conn.execute(text("TRUNCATE detention"))
        raw = conn.connection.cursor()
        with raw.copy("COPY detention (numero, guichet, depuis_le, motif) FROM STDIN") as copy:
            for numero in numeros:
                copy.write_row((numero, "G1226", datetime(2026, 1, 1, tzinfo=UTC), "distribution"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE detention"))


def clock(run: Callable[[], object], tours: int, seconds: float = float("inf")) -> tuple[float, float]:
    """The best round: milliseconds of waiting, and of processor of this process."""
    wait = cpu = float("inf")
    start = time.perf_counter()
    for done in range(tours):
        if done and time.perf_counter() - start > seconds:
            break
        begin, used = time.perf_counter_ns(), time.process_time_ns()
        run()
        wait = min(wait, (time.perf_counter_ns() - begin) / 1e6)
        cpu = min(cpu, (time.process_time_ns() - used) / 1e6)
    return wait, cpu


def line(
    size: int, moyen: str, times: Sequence[tuple[float, float]], built: float = 0, *,
    cpu: bool = True, memory: float = 0, disk: float = 0,
) -> Line:  # fmt: skip
    waits, cpus = [wait for wait, _ in times], [used if cpu else 0.0 for _, used in times]
    return Line(
        size, moyen, round(statistics.median(waits), 2), round(max(waits), 2),
        round(statistics.median(cpus), 2), round(max(cpus), 2), round(built, 1), round(memory, 1),
        round(disk, 1),
    )  # fmt: skip


def answer_of(essai: Essai) -> Reponse:
    assert essai.contre is not None
    return len(essai.retenues), len(essai.contre.entrantes), len(essai.contre.sortantes)


def broad(count: int) -> list[Epreuve]:
    """The first ones of a guichet of the whole country, without their place: the most that can be asked."""
    everywhere = Guichet("G1226", "Banc", TypeGuichet.BAILLEUR, "", frozenset(populations()))
    found = [Epreuve(everywhere, Filtre("Tout"), Filtre("Tout"))]
    for epreuve in draw_epreuves(count - 1):
        sides = (epreuve.draft, epreuve.other)
        draft, other = (
            Filtre(side.nom, tuple(c for c in side.conditions if c.critere not in LIEUX)) for side in sides
        )
        found.append(Epreuve(everywhere, draft, other))
    return found


def measure(
    size: int,
    epreuves: Sequence[Epreuve],
    root: Path,
    url: str,
    engine: Engine,
    console: Console,
    *,
    seule: bool,
) -> list[Line]:
    """All the ways for one size. seule: the image and the loop only."""
    dossier = root / f"image-{size}"
    dossier.mkdir()
    columns = columns_in_use(each for epreuve in epreuves for each in (epreuve.draft, epreuve.other))
    bases: list[Postgres | Sqlite] = []
    if not seule:
        bases = [Postgres(columns, url), Sqlite(columns, root / f"{size}.sqlite")]
    (built, *built_sql), some = make_image(size, dossier, bases, console)
    image = reopen(dossier)
    hold(engine, image)
    disk = sum(file.stat().st_blocks * 512 for file in dossier.iterdir()) / 2**20
    lines = []
    with engine.connect() as conn:

        def whole(epreuve: Epreuve) -> Essai:
            return essayer(conn, image, epreuve.guichet, epreuve.draft, epreuve.other, JOUR)

        answers = [answer_of(whole(epreuve)) for epreuve in epreuves]
        taken = [count for count, _, _ in answers]
        console.print(f"{size} : retenues, médiane {statistics.median(taken)}, au plus {max(taken)}")
        times = [clock(lambda e=epreuve: whole(e), TOURS) for epreuve in epreuves]  # type: ignore[misc]
        memory = resident_of(dossier, epreuves)
        lines.append(line(size, "essai", times, built, memory=memory, disk=disk))
        times = [clock(lambda e=epreuve: whole(e), TOURS) for epreuve in broad(LARGES)]  # type: ignore[misc]
        lines.append(line(size, "essai, pays entier, sans lieu", times))
        found = [whole(epreuve).retenues for epreuve in epreuves]
        times = [
            clock(lambda rows=rows: not_held(conn, image, "G1226", rows), TOURS)  # type: ignore[misc]
            for rows in found
        ]
        lines.append(line(size, "celles que le guichet n'a pas", times, cpu=False))

    def select(epreuve: Epreuve) -> int:
        readable = image.all() & image.in_territoires(epreuve.guichet.territoires)
        return len(image.select(epreuve.draft, readable, JOUR))

    assert [select(epreuve) for epreuve in epreuves] == taken
    times = [clock(lambda e=epreuve: select(e), TOURS) for epreuve in epreuves]  # type: ignore[misc]
    lines.append(line(size, "les demandes retenues, sans les comptes", times))
    for base, seconds in zip(bases, built_sql, strict=True):
        times = []
        for epreuve, expected in zip(epreuves, answers, strict=True):
            territoires = sorted(epreuve.guichet.territoires)
            said: list[Reponse] = []
            times.append(
                clock(
                    lambda e=epreuve, t=territoires, b=base, f=said: f.append(b.ask(t, e.draft, e.other)),  # type: ignore[misc]
                    3,
                    SQL_SECONDES,
                )
            )
            assert said[0] == expected, f"{base.nom} et l'image diffèrent : {epreuve.draft}"
        # The work of PostgreSQL is done by another process.
        lines.append(line(size, base.nom, times, seconds, cpu=isinstance(base, Sqlite)))
        base.close()
    lines.append(naive(size, epreuves, image, some))
    for each in lines:
        console.print(f"{size} : {each.moyen} : {each.p50} ms, au plus {each.max}")
    return lines


def naive(size: int, epreuves: Sequence[Epreuve], image: Image, some: Mapping[int, Ligne]) -> Line:
    """The loop over some of the demandes, multiplied; and that it finds what the image finds among them."""
    ranks = np.array(list(some))
    demandes = [(ligne.territoire, traits_of_ligne(ligne, JOUR)) for ligne in some.values()]
    times = []
    for epreuve in epreuves[:10]:
        begin = time.perf_counter()
        found = [
            rank
            for rank, (territoire, traits) in enumerate(demandes)
            if territoire in epreuve.guichet.territoires and matches(epreuve.draft, traits)
        ]
        spent = (time.perf_counter() - begin) * 1000 * size / len(some)
        times.append((spent, spent))
        readable = image.all() & image.in_territoires(epreuve.guichet.territoires)
        expected = image.select(epreuve.draft, readable, JOUR)
        assert np.array_equal(np.intersect1d(expected, ranks), ranks[found]), "la boucle naïve diffère"
    return line(size, "boucle naïve", times)


def resident_of(dossier: Path, epreuves: Sequence[Epreuve]) -> float:
    """Memory that a fresh process takes to map the image and ask every draft, Mio."""
    code = f"from bench.essais import ask_all; ask_all({str(dossier)!r}, {len(epreuves)})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def ask_all(dossier: str, count: int) -> None:
    """Print how much memory asking took. Run in a process of its own."""
    epreuves = draw_epreuves(count)
    begin = _resident()
    image = reopen(Path(dossier))
    for epreuve in epreuves:
        image.select(epreuve.draft, image.all(), JOUR)
    sys.stdout.write(f"{_resident() - begin}\n")


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def kept(path: Path, tailles: Sequence[int]) -> list[dict[str, Any]]:
    """What was measured before for other sizes: each size is a comparison of its own."""
    if not path.exists():
        return []
    known = json.loads(path.read_text(encoding="utf-8"))
    return [each for each in known["mesures"] if each["demandes"] not in tailles]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tailles", type=int, nargs="+", default=TAILLES, help="nombres de demandes")
    parser.add_argument("--filtres", type=int, default=60, help="filtres essayés")
    parser.add_argument("--image-seule", action="store_true", help="sans PostgreSQL ni SQLite")
    parser.add_argument("--json", type=Path, default=RESULTS, help="fichier de résultats")
    options = parser.parse_args()
    console = Console(width=150)
    epreuves = draw_epreuves(options.filtres)
    for size in sorted(options.tailles):
        with tempfile.TemporaryDirectory(prefix="banc-") as temporary:
            root = Path(temporary)
            root.chmod(0o755)  # the embedded PostgreSQL may run as another user
            with EmbeddedPostgres(root / "postgres") as server:
                engine = open_engine(server.url())
                upgrade(engine)
                lines = measure(
                    size, epreuves, root, server.url(), engine, console, seule=options.image_seule
                )
                engine.dispose()
        write(options.json, lines, options.filtres)
    content = json.loads(options.json.read_text(encoding="utf-8"))
    report(content, console)
    if options.json == RESULTS:
        draw(content)


def write(path: Path, lines: Sequence[Line], filtres: int) -> None:
    """Keep what was measured, size by size: an interrupted run loses one only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mesures = [*kept(path, [lines[0].demandes]), *map(asdict, lines)]
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}",
        "filtres": filtres,
        "naives": NAIVES,
        "mesures": sorted(mesures, key=lambda each: int(each["demandes"])),
    }
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def report(content: dict[str, Any], console: Console) -> None:
    table = Table(title=f"un filtre contre le stock, {content['filtres']} filtres, ms")
    for head in Line.__slots__:
        table.add_column(head, justify="left" if head == "moyen" else "right")
    for each in content["mesures"]:
        table.add_row(*(str(each[name]) for name in Line.__slots__))
    console.print(table)


if __name__ == "__main__":
    main()

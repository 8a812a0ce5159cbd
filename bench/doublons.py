"""The search of doublons against a stock of 100,000 and of 3 million demandes.

``python -m bench.doublons`` prints a table and writes ``bench/results/doublons.json``. Options: ``--stocks``,
``--recherches``. The identities alone are generated, in an embedded PostgreSQL that is removed at the end:
the search reads nothing else. A quarter of them are in Île-de-France, the largest territory.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import random
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, text

from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres
from registry.identites import Role, cles_of_personne, normalise
from registry.recherche_doublons import Recherchee, search
from registry.tables import IDENTITE
from schemas.territoires import ILE_DE_FRANCE, territoires

RESULTS = Path(__file__).parent / "results" / "doublons.json"
LIMITE_MS = 5.0
"""What a search may take at 3 million demandes, milliseconds."""
GRAINE = 20261122
NAISSANCES = (date(1940, 1, 1), 24000)


@dataclass(frozen=True, slots=True)
class Line:
    """One measured run, milliseconds. trouvees: demandes found by search, on average."""

    stock: int
    recherche: str
    trouvees: float
    p50: float
    p99: float
    cpu: float


def names(fichier: str) -> list[str]:
    """The names of an example file of the schemas, normalised as the keys have them."""
    contenu = (resources.files("schemas") / "exemples" / fichier).read_text(encoding="utf-8")
    lignes = [ligne for ligne in csv.reader(contenu.splitlines()) if ligne]
    return sorted({normalise(ligne[0].split(";")[0]) for ligne in lignes[1:]} - {""})


# The names of the examples are few: a suffix makes some 50,000 of them, as many as people really bear.
_FILL = text("""
    INSERT INTO identite (numero, rang, cle, territoire, role)
    SELECT lpad(n::text, 18, '0'), rang,
        least(nom, prenom) || '|' || greatest(nom, prenom) || '|' || naissance,
        CASE WHEN n % 4 = 0 THEN :region ELSE (CAST(:autres AS text[]))[1 + n % :nombre_autres] END,
        CASE rang WHEN 0 THEN 'demandeur' ELSE 'conjoint' END
    FROM (
        SELECT n, rang,
            (CAST(:noms AS text[]))[1 + floor(random() * :nombre_noms)::int]
                || chr(97 + floor(random() * 14)::int) || chr(97 + floor(random() * 14)::int) AS nom,
            (CAST(:prenoms AS text[]))[1 + floor(random() * :nombre_prenoms)::int] AS prenom,
            -- One birthday in fifty is the conventional first of January.
            CASE WHEN random() < 0.02
                THEN to_char(CAST(:debut AS date) + floor(random() * :jours)::int, 'YYYY') || '-01-01'
                ELSE to_char(CAST(:debut AS date) + floor(random() * :jours)::int, 'YYYY-MM-DD')
            END AS naissance
        FROM generate_series(CAST(:premier AS int), CAST(:dernier AS int)) AS n
        CROSS JOIN generate_series(0, 1) AS rang
        WHERE rang = 0 OR n % 3 = 0
    ) AS personnes
""")


def fill(engine: Engine, premier: int, dernier: int) -> None:
    """Add the identities of these demandes, a third of them with a conjoint; the indexes are built after."""
    noms, prenoms = names("noms.csv"), names("prenoms.csv")
    autres = [code for code in territoires() if code != ILE_DE_FRANCE]
    with engine.begin() as conn:
        for index in IDENTITE.indexes:
            index.drop(conn)
        conn.execute(text("SELECT setseed(:graine)"), {"graine": premier / 10_000_000})
        conn.execute(
            _FILL,
            {
                "premier": premier,
                "dernier": dernier,
                "region": ILE_DE_FRANCE,
                "autres": autres,
                "nombre_autres": len(autres),
                "noms": noms,
                "nombre_noms": len(noms),
                "prenoms": prenoms,
                "nombre_prenoms": len(prenoms),
                "debut": NAISSANCES[0],
                "jours": NAISSANCES[1],
            },
        )
        for index in IDENTITE.indexes:
            index.create(conn)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE identite"))


def couples(rng: random.Random, nombre: int, jour: date | None = None) -> list[list[Recherchee]]:
    """What a demande of a couple is searched by: two persons, one of whom bears two names."""
    noms, prenoms = names("noms.csv"), names("prenoms.csv")

    def person(role: Role, autre: str = "") -> list[Recherchee]:
        naissance = jour or NAISSANCES[0] + timedelta(days=rng.randrange(NAISSANCES[1]))
        nom = rng.choice(noms) + rng.choice("abcdefghijklmn") + rng.choice("abcdefghijklmn")
        cles = cles_of_personne(nom, autre, rng.choice(prenoms), naissance)
        return [Recherchee(cle, role) for cle in cles]

    return [[*person(Role.DEMANDEUR, rng.choice(noms)), *person(Role.CONJOINT)] for _ in range(nombre)]


def present(conn: Connection, rng: random.Random, nombre: int) -> list[list[Recherchee]]:
    """Persons of the stock."""
    cles = conn.scalars(
        text(
            "SELECT cle FROM identite WHERE territoire = :region AND numero = ANY(CAST(:numeros AS text[]))"
        ),
        {
            "region": ILE_DE_FRANCE,
            "numeros": [f"{4 * rng.randrange(1, 20000):018d}" for _ in range(2 * nombre)],
        },
    ).all()
    return [[Recherchee(cle, Role.DEMANDEUR)] for cle in cles[:nombre]]


def measure(engine: Engine, stock: int, recherche: str, demandes: list[list[Recherchee]]) -> Line:
    """Each search alone, on one connection; a tenth of them first, unmeasured."""
    durees, trouvees = [], 0
    with engine.connect() as conn:
        for cherchees in demandes[: len(demandes) // 10 or 1]:
            search(conn, [ILE_DE_FRANCE], cherchees)
        cpu = time.process_time()
        for cherchees in demandes:
            debut = time.perf_counter()
            trouvees += len(search(conn, [ILE_DE_FRANCE], cherchees))
            durees.append(1000 * (time.perf_counter() - debut))
        cpu = 1000 * (time.process_time() - cpu) / len(demandes)
    centiles = statistics.quantiles(durees, n=100)
    return Line(
        stock,
        recherche,
        round(trouvees / len(demandes), 2),
        round(statistics.median(durees), 2),
        round(centiles[98], 2),
        round(cpu, 2),
    )


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stocks", type=int, nargs="+", default=[100_000, 3_000_000])
    parser.add_argument("--recherches", type=int, default=500)
    options = parser.parse_args()
    rng = random.Random(GRAINE)
    lines: list[Line] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-doublons-") as folder,
        EmbeddedPostgres(Path(folder) / "pg", settings={"fsync": "off", "shared_buffers": "512MB"}) as server,
    ):
        engine = open_engine(server.url())
        upgrade(engine)
        premier = 1
        for stock in sorted(options.stocks):
            fill(engine, premier, stock)
            premier = stock + 1
            with engine.connect() as conn:
                connues = present(conn, rng, options.recherches)
            runs = {
                "couple inconnu": couples(rng, options.recherches),
                "personne du registre": connues,
                "né un 1er janvier": couples(rng, options.recherches, date(1985, 1, 1)),
            }
            for recherche, demandes in runs.items():
                lines.append(measure(engine, stock, recherche, demandes))
        engine.dispose()
    _print(lines)
    RESULTS.parent.mkdir(exist_ok=True)
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "limite_ms": LIMITE_MS,
        "mesures": [asdict(line) for line in lines],
    }
    RESULTS.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _print(lines: list[Line]) -> None:
    table = Table("stock", "recherche", "trouvées", "p50 ms", "p99 ms", "cpu ms", box=None)
    for line in lines:
        table.add_row(
            f"{line.stock:,}".replace(",", " "),
            line.recherche,
            *(str(value) for value in (line.trouvees, line.p50, line.p99, line.cpu)),
        )
    Console().print(table)


if __name__ == "__main__":
    main()

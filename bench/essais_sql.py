"""The same stock in PostgreSQL and in SQLite: a row a demande, its places apart or in an indexed array.

Codes are bits of an integer, numbers and ages integers, silence is 0 or NULL. Only the conditions that
bench.tirage_filtres draws are known: one on the place at most, which requires, lists of less than 63 codes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

import psycopg

from bench.filtres_sql import mask
from filters.criteria import CRITERE, LIEUX
from filters.genres import CritereNombre, Valeur
from filters.language import Condition, Filtre, Intervalle
from filters.lieux import departements_of, epci_of, lieux_of, territoires_of
from filters.lignes import DATES, Ligne, rank_of
from filters.traits import Traits

_LIEUX: Final = {
    "communes": lieux_of, "epci": epci_of, "departements": departements_of, "territoires": territoires_of,
}  # fmt: skip

Reponse = tuple[int, int, int]
"""How many the draft takes, how many of them the other filter does not, how many the other takes alone."""


def values_of(ligne: Ligne, jour: date) -> dict[str, Valeur]:
    """The values of a row on that day, ages and seniority included."""
    ages: dict[str, Valeur] = {
        nom: (rank_of(nom, jour) - said) // DATES[nom] if said else None for nom, said in ligne.dates.items()
    }
    return {**ligne.valeurs, **ages}


def traits_of_ligne(ligne: Ligne, jour: date) -> Traits:
    return Traits(None, ligne.souhaits, values_of(ligne, jour))


class _Base:
    """columns: the criteria that some filter uses, the place apart."""

    nom: ClassVar[str]
    columns: Sequence[str]

    def _row(self, ligne: Ligne, jour: date) -> list[int | None]:
        values = values_of(ligne, jour)
        return [
            said if isinstance(said, int) or said is None else mask(nom, said)
            for nom, said in ((nom, values[nom]) for nom in self.columns)
        ]

    def _places(self, ligne: Ligne) -> list[str]:
        return [f"{nom}:{code}" for nom, read in _LIEUX.items() for code in read(ligne.souhaits)]

    def _where(self, filtre: Filtre) -> str:
        """The conditions but those on the place."""
        return " AND ".join(map(_clause, (c for c in filtre.conditions if c.critere not in LIEUX))) or "1 = 1"

    def _wanted(self, filtre: Filtre) -> list[str]:
        """The keys of the place that it requires."""
        found = [c for c in filtre.conditions if c.critere in LIEUX]
        if not found:
            return []
        (condition,) = found
        assert isinstance(condition, Condition)
        assert not condition.exclues
        return [f"{condition.critere}:{code}" for code in sorted(condition.valeurs)]


def _clause(condition: Condition | Intervalle) -> str:
    nom = condition.critere
    if isinstance(condition, Intervalle):
        assert not condition.hors
        parts = [f"{nom} >= {condition.mini}"] if condition.mini is not None else []
        parts += [f"{nom} <= {condition.maxi}"] if condition.maxi is not None else []
        inside = " AND ".join(parts)
        return f"({nom} IS NULL OR ({inside}))" if condition.absent else f"({nom} IS NOT NULL AND {inside})"
    parts = [f"({nom} & {mask(nom, condition.valeurs)}) <> 0"] if condition.valeurs else []
    parts += [f"({nom} & {mask(nom, condition.exclues)}) = 0"] if condition.exclues else []
    inside = " AND ".join(parts)
    return f"({nom} = 0 OR ({inside}))" if condition.absent else f"({nom} <> 0 AND {inside})"


def _typed(nom: str) -> str:
    return f"{nom} int" if isinstance(CRITERE[nom], CritereNombre) else f"{nom} bigint NOT NULL"


class Postgres(_Base):
    """A GIN index on the places, a b-tree on the territory."""

    nom = "PostgreSQL, GIN"

    def __init__(self, columns: Sequence[str], url: str) -> None:
        self.columns = columns
        self.conn = psycopg.connect(url, autocommit=True)
        self.conn.execute("DROP TABLE IF EXISTS banc_demande")
        self.conn.execute(
            "CREATE UNLOGGED TABLE banc_demande (id int NOT NULL, territoire text NOT NULL, "
            f"lieux text[] NOT NULL, {', '.join(map(_typed, columns))})"
        )

    def load(self, first: int, lignes: Iterable[Ligne], jour: date) -> None:
        with self.conn.cursor().copy("COPY banc_demande FROM STDIN") as copy:
            for rank, ligne in enumerate(lignes, first):
                copy.write_row((rank, ligne.territoire, self._places(ligne), *self._row(ligne, jour)))

    def index(self) -> None:
        self.conn.execute("SET maintenance_work_mem = '512MB'")
        self.conn.execute("CREATE INDEX ON banc_demande USING gin (lieux)")
        self.conn.execute("CREATE INDEX ON banc_demande (territoire)")
        self.conn.execute("VACUUM ANALYZE banc_demande")
        # As a server set for these questions: no compilation of queries, one core as for the others.
        self.conn.execute("SET jit = off")
        self.conn.execute("SET max_parallel_workers_per_gather = 0")
        self.conn.execute("SET work_mem = '256MB'")

    def ask(self, territoires: Sequence[str], draft: Filtre, other: Filtre) -> Reponse:
        values: list[object] = [list(territoires)]
        sides = []
        for filtre in (draft, other):
            wanted = self._wanted(filtre)
            sides.append(f"({self._where(filtre)}{' AND lieux && %s' if wanted else ''})")
            values += [wanted] if wanted else []
        a, b = sides
        query = (
            "SELECT count(*) FILTER (WHERE a), count(*) FILTER (WHERE a AND NOT b), "
            "count(*) FILTER (WHERE b AND NOT a) FROM (SELECT "
            f"{a} AS a, {b} AS b FROM banc_demande WHERE territoire = ANY(%s) AND ({a} OR {b})) AS trouvees"
        )
        both = values[1:]
        row = self.conn.execute(query, [*both, values[0], *both]).fetchone()
        assert row is not None
        return row[0], row[1], row[2]

    def close(self) -> None:
        self.conn.close()


class Sqlite(_Base):
    """In a file, a table of places beside that of the demandes."""

    nom = "SQLite"

    def __init__(self, columns: Sequence[str], path: Path) -> None:
        self.columns = columns
        self.conn = sqlite3.connect(path)
        for pragma in ("journal_mode = off", "synchronous = off", "cache_size = -2000000"):
            self.conn.execute(f"PRAGMA {pragma}")
        self.conn.execute(
            f"CREATE TABLE demande (id INTEGER PRIMARY KEY, territoire TEXT, {', '.join(columns)})"
        )
        self.conn.execute("CREATE TABLE lieu (cle INTEGER, id INTEGER)")
        self._keys: dict[str, int] = {}

    def load(self, first: int, lignes: Sequence[Ligne], jour: date) -> None:
        marks = ", ".join("?" * (2 + len(self.columns)))
        self.conn.executemany(
            f"INSERT INTO demande VALUES ({marks})",
            ((rank, ligne.territoire, *self._row(ligne, jour)) for rank, ligne in enumerate(lignes, first)),
        )
        self.conn.executemany(
            "INSERT INTO lieu VALUES (?, ?)",
            (
                (self._keys.setdefault(place, len(self._keys)), rank)
                for rank, ligne in enumerate(lignes, first)
                for place in self._places(ligne)
            ),
        )
        self.conn.commit()

    def index(self) -> None:
        self.conn.execute("CREATE INDEX lieu_ix ON lieu (cle, id)")
        self.conn.execute("CREATE INDEX territoire_ix ON demande (territoire)")
        self.conn.execute("ANALYZE")

    def ask(self, territoires: Sequence[str], draft: Filtre, other: Filtre) -> Reponse:
        places = ", ".join(f"'{each}'" for each in territoires)
        sides = [f"({self._where(filtre)}{self._among(filtre)})" for filtre in (draft, other)]
        a, b = sides
        query = (
            "SELECT total(a), total(a AND NOT b), total(b AND NOT a) FROM (SELECT "
            f"{a} AS a, {b} AS b FROM demande WHERE territoire IN ({places}) AND ({a} OR {b}))"
        )
        found = self.conn.execute(query).fetchone()
        return int(found[0]), int(found[1]), int(found[2])

    def _among(self, filtre: Filtre) -> str:
        wanted = self._wanted(filtre)
        if not wanted:
            return ""
        keys = ", ".join(str(self._keys.get(each, -1)) for each in wanted)
        return f" AND id IN (SELECT id FROM lieu WHERE cle IN ({keys}))"

    def close(self) -> None:
        self.conn.close()

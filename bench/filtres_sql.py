"""The same filters in SQLite and in PostgreSQL: a row each, found by its places, sifted by its columns.

Codes are bits of an integer: a condition is two masks. Only the conditions that bench.tirage_filtres draws
are known: one on the place at most, and lists of less than 63 codes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from types import TracebackType
from typing import ClassVar, Final, Self

import psycopg

from filters.criteria import CRITERE, CRITERES, LIEUX
from filters.genres import CritereCodes, CritereNombre
from filters.language import Condition, Filtre, Intervalle
from filters.traits import Traits

PARTOUT: Final = "*"
_BIG: Final = 2**40
_ALL: Final = 2**62 - 1


def columns_in_use(filtres: Iterable[Filtre]) -> tuple[str, ...]:
    """The criteria of some filter, the place apart, in their order."""
    used = {c.critere for filtre in filtres for c in filtre.conditions} - set(LIEUX)
    return tuple(critere.nom for critere in CRITERES if critere.nom in used)


def places_of(filtre: Filtre) -> list[str]:
    """The keys of a filter: its places, or everywhere."""
    for condition in filtre.conditions:
        if condition.critere in LIEUX:
            assert isinstance(condition, Condition)
            return [f"{condition.critere}:{code}" for code in condition.valeurs]
    return [PARTOUT]


def places_wanted(traits: Traits) -> list[str]:
    """The keys that a demande reaches."""
    return [PARTOUT, *(f"{nom}:{code}" for nom in LIEUX for code in traits.codes(nom))]


@cache
def _bits(nom: str) -> dict[str, int]:
    critere = CRITERE[nom]
    assert isinstance(critere, CritereCodes)
    return {code: 1 << rank for rank, code in enumerate(critere.codes)}


def mask(nom: str, codes: Iterable[str]) -> int:
    return sum(_bits(nom)[code] for code in codes)


def row_of(filtre: Filtre, columns: Sequence[str]) -> Iterator[int]:
    """Three integers a criterion: for codes wanted, excluded, absent; for numbers first, last, absent."""
    put = {c.critere: c for c in filtre.conditions}
    for nom in columns:
        condition = put.get(nom)
        if isinstance(condition, Intervalle):
            assert not condition.hors
            yield -_BIG if condition.mini is None else condition.mini
            yield _BIG if condition.maxi is None else condition.maxi
        elif condition is not None:
            yield mask(nom, condition.valeurs) or _ALL
            yield mask(nom, condition.exclues)
        elif isinstance(CRITERE[nom], CritereNombre):
            yield from (-_BIG, _BIG)
        else:
            yield from (_ALL, 0)
        yield 1 if condition is None else int(condition.absent)


def clauses_of(traits: Traits, columns: Sequence[str]) -> tuple[str, list[int]]:
    """The conditions on the columns as SQL, with `%s` for each of the values."""
    parts, values = [], []
    for nom in columns:
        said = traits[nom]
        if said is None or said == frozenset():
            parts.append(f"{nom}_s = 1")
        elif isinstance(said, int):
            parts.append(f"{nom}_a <= %s AND {nom}_b >= %s")
            values += [said, said]
        else:
            parts.append(f"{nom}_a & %s <> 0 AND {nom}_b & %s = 0")
            values += [mask(nom, said)] * 2
    return " AND ".join(parts), values


class _Base:
    nom: ClassVar[str]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.conn.close()

    conn: sqlite3.Connection | psycopg.Connection
    columns: tuple[str, ...]


class Sqlite(_Base):
    """In memory, a table of places beside that of the filters."""

    nom = "SQLite"
    conn: sqlite3.Connection

    def __init__(self, filtres: Sequence[Filtre], url: str) -> None:  # noqa: ARG002 (same form for both)
        self.columns = columns_in_use(filtres)
        self.conn = sqlite3.connect(":memory:")
        names = [f"{nom}_{part}" for nom in self.columns for part in "abs"]
        self.conn.execute(f"CREATE TABLE filtre (id INTEGER PRIMARY KEY, {', '.join(names)})")
        self.conn.execute("CREATE TABLE lieu (cle TEXT, id INTEGER, PRIMARY KEY (cle, id)) WITHOUT ROWID")
        marks = ", ".join("?" * (1 + len(names)))
        self.conn.executemany(
            f"INSERT INTO filtre VALUES ({marks})",
            ((key, *row_of(filtre, self.columns)) for key, filtre in enumerate(filtres)),
        )
        self.conn.executemany(
            "INSERT OR IGNORE INTO lieu VALUES (?, ?)",
            ((place, key) for key, filtre in enumerate(filtres) for place in places_of(filtre)),
        )
        self.conn.execute("ANALYZE")

    def match(self, traits: Traits) -> set[int]:
        clauses, values = clauses_of(traits, self.columns)
        places = places_wanted(traits)
        marks = ", ".join("?" * len(places))
        query = (
            f"SELECT f.id FROM (SELECT DISTINCT id FROM lieu WHERE cle IN ({marks})) l "
            f"CROSS JOIN filtre f ON f.id = l.id WHERE {clauses.replace('%s', '?')}"
        )
        return {key for (key,) in self.conn.execute(query, [*places, *values])}


class Postgres(_Base):
    """Percolation: the places of a filter are an array with a GIN index."""

    nom = "PostgreSQL, GIN"
    conn: psycopg.Connection

    def __init__(self, filtres: Sequence[Filtre], url: str) -> None:
        self.columns = columns_in_use(filtres)
        self.conn = psycopg.connect(url, autocommit=True)
        names = [f"{nom}_{part}" for nom in self.columns for part in "abs"]
        typed = ", ".join(f"{name} bigint NOT NULL" for name in names)
        self.conn.execute(
            f"CREATE TEMPORARY TABLE banc_filtre (id int PRIMARY KEY, lieux text[] NOT NULL, {typed})"
        )
        with self.conn.cursor().copy("COPY banc_filtre FROM STDIN") as copy:
            for key, filtre in enumerate(filtres):
                copy.write_row((key, places_of(filtre), *row_of(filtre, self.columns)))
        self.conn.execute("CREATE INDEX ON banc_filtre USING gin (lieux)")
        self.conn.execute("ANALYZE banc_filtre")
        self.conn.execute("SET jit = off")

    def match(self, traits: Traits) -> set[int]:
        clauses, values = clauses_of(traits, self.columns)
        query = f"SELECT id FROM banc_filtre WHERE lieux && %s AND {clauses}"
        rows = self.conn.execute(query, [places_wanted(traits), *values], binary=True)
        return {key for (key,) in rows}

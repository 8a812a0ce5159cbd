"""A small stock made large by the database itself: 3 million demandes in minutes, where bench.stock takes the
better part of an hour of processor.

``python -m bench.multiplication INSTANCE --fois 150``: every row that the product wrote for a demande
(bench.gabarits) is written so many times, with numbers, sequences and identifiers of its own, in the order of
time and of the journal. Documents and searches are those of the first, and the seals of the journal are not
made again: what reads costs what it would, what verifies the chain finds it broken.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import psycopg
from rich.console import Console
from rich.progress import Progress

from bench.gabarits import COPIEES, ECHANGES, SEQUENCES
from bench.stock import build_indexes, drop_indexes
from registry.embedded import EmbeddedPostgres

FAIT: Final = "multiplication.faite"
_SANS: Final = ("echange_brut", "rejeu")
"""Left as they are: raw bytes are purged after some weeks, and no two files are the same."""
_SUITES: Final = {*SEQUENCES, ("journal", "sequence"), ("distribution", "sequence")}
_IDENTIFIANTS: Final = {*ECHANGES, ("distribution", "id"), ("tentative", "distribution")}
_COLONNES: Final = """
    SELECT column_name::text, data_type::text FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = %s AND is_identity = 'NO' ORDER BY ordinal_position
"""
# The six figures of a number: those of a small stock leave room for the copies.
_NUMERO: Final = "left({0}, 7) || lpad((substr({0}, 8, 6)::int + n * %(pas)s)::text, 6, '0') || right({0}, 5)"
# UUID version 7: its instant moves as the others do, its chance tells the copy.
_UUID: Final = """CASE WHEN n = 0 THEN {0} ELSE (
    lpad(to_hex(('x0000' || left(replace({0}::text, '-', ''), 12))::bit(64)::bigint + n * %(ecart)s), 12, '0')
    || substr(replace({0}::text, '-', ''), 13, 12) || lpad(to_hex(n), 4, '0')
    || right({0}::text, 4))::uuid END"""
# No two copies were born on the same day.
_NAISSANCE: Final = """CASE WHEN {0} ~ '[|][0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$' THEN left({0}, -10)
    || to_char(right({0}, 10)::date + n * 7919 %% 20000 - 10000, 'YYYY-MM-DD') ELSE {0} END"""


def multiply(url: str, fois: int, progress: Progress) -> None:
    """Make each demande that many. Raises ValueError when there are not as many numbers in a month."""
    with psycopg.connect(url, autocommit=True) as conn:
        (plus,) = conn.execute("SELECT max(substr(numero, 8, 6)::int) FROM demande").fetchone() or (0,)
        if (plus + 1) * fois > 999_999:
            raise ValueError(f"{plus + 1} numéros d'un mois, {fois} fois : il n'y en a pas autant")
        (ecart,) = conn.execute(
            "SELECT extract(epoch FROM max(instant) - min(instant)) * 1000 / count(*) / %s FROM journal",
            (fois,),
        ).fetchone() or (0,)
        drop_indexes(conn)
        conn.execute("SET synchronous_commit = off")
        # The journal is only added to, but here.
        conn.execute("SET session_replication_role = replica")
        valeurs = {"fois": fois, "pas": plus + 1, "ecart": int(ecart)}
        for table in progress.track([each for each in COPIEES if each not in _SANS], description="copies"):
            _copy(conn, table, valeurs)
        conn.execute("UPDATE chaine SET sequence = sequence * %(fois)s", valeurs)
        conn.execute("UPDATE compteur_distribution SET dernier = dernier * %(fois)s", valeurs)
        conn.execute("UPDATE compteur_numero SET dernier = dernier + %(pas)s * (%(fois)s - 1)", valeurs)
    build_indexes(url, progress)


def _copy(conn: psycopg.Connection, table: str, valeurs: dict[str, int]) -> None:
    """Write the rows of a table again, each followed by its copies."""
    colonnes = conn.execute(_COLONNES, (table,)).fetchall()
    noms = ", ".join(nom for nom, _ in colonnes)
    copiees = ", ".join(_value(table, nom, genre) for nom, genre in colonnes)
    with conn.transaction():
        conn.execute(f"CREATE UNLOGGED TABLE banc_{table} AS TABLE {table}")
        conn.execute(f"TRUNCATE {table}")
        conn.execute(
            f"INSERT INTO {table} ({noms}) SELECT {copiees}"
            f" FROM (SELECT *, generate_series(0, %(fois)s - 1) AS n FROM banc_{table}) AS t",
            valeurs,
        )
        conn.execute(f"DROP TABLE banc_{table}")


def _value(table: str, nom: str, genre: str) -> str:
    """What a column holds in the copy `n`."""
    if nom == "numero":
        return _NUMERO.format(nom)
    if nom == "numeros":
        return f"ARRAY(SELECT {_NUMERO.format('x')} FROM unnest(numeros) AS x)"
    if (table, nom) in _SUITES:
        return f"({nom} - 1) * %(fois)s + n + 1"
    if (table, nom) in _IDENTIFIANTS:
        return _UUID.format(nom)
    if (table, nom) == ("identite", "cle"):
        return _NAISSANCE.format(nom)
    if genre == "timestamp with time zone":
        return f"{nom} + n * %(ecart)s * interval '1 millisecond'"
    return nom


def make_large(instance: Path, fois: int, console: Console) -> None:
    """Multiply the stock of an instance, once."""
    if (instance / FAIT).exists():
        return
    with Progress(console=console) as progress, EmbeddedPostgres(instance / "postgres") as server:
        multiply(server.url(), fois, progress)
    (instance / FAIT).touch()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("instance", type=Path)
    parser.add_argument("--fois", type=int, default=150)
    options = parser.parse_args()
    make_large(options.instance, options.fois, Console(width=120))


if __name__ == "__main__":
    main()

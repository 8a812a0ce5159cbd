"""The chain of migrations builds exactly what the tables say, for all the folders that add tables."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, text

from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres
from registry.tables import METADATA

# Importing them adds their tables to METADATA.
for _module in (
    "filters.tables",
    "dispatching.tables",
    "mailflows.tables",
    "registry.tables_dalo",
    "registry.tables_infocentre",
    "registry.tables_rpls",
    "registry.tables_depots",
    "registry.tables_doublons",
    "registry.tables_pieces",
    "registry.tables_traces",
    "registry.tables_certificats",
    "registry.tables_conformite",
    "registry.tables_contacts",
    "mailflows.alertes.tables",
    "registry.tables_recherche",
    "registry.tables_references",
    "console.tables",
):
    if find_spec(_module) is not None:
        __import__(_module)

# All that can differ between two schemas, one line each, whatever the order of creation.
_CATALOGUE = """
    SELECT format('colonne %s.%s %s not null %s default %s identity %s storage %s %s', c.relname, a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity,
        a.attstorage, a.attcompression)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    UNION ALL
    SELECT format('table %s %s %s', c.relname, c.relkind, c.reloptions)
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    UNION ALL
    SELECT format('contrainte %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL
    SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT format('sequence %s %s', sequencename, data_type) FROM pg_sequences WHERE schemaname = 'public'
"""


@pytest.fixture
def bare(administration: Engine, postgres: EmbeddedPostgres, database_url: str) -> Iterator[Engine]:
    """A database built from METADATA alone."""
    name = f"{database_url.rpartition('?')[0].rpartition('/')[2]}_nu"
    with administration.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    engine = open_engine(postgres.url(name))
    METADATA.create_all(engine)
    yield engine
    engine.dispose()
    with administration.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _describe(conn: Connection) -> list[str]:
    return sorted(line for line in conn.scalars(text(_CATALOGUE)) if " version_schema" not in line)


def test_the_chain_equals_the_tables(engine: Engine, bare: Engine) -> None:
    with engine.connect() as migrated, bare.connect() as declared:
        assert _describe(migrated) == _describe(declared)


def test_the_chain_is_one_line_of_numbered_files() -> None:
    """Two heads would let two people's steps apply in an order nobody chose: every file is a step of one
    line, in the order of the numbers that the files bear."""
    folder = Path(__file__).parents[2] / "registry" / "migrations"
    numbers = sorted(path.name[:4] for path in (folder / "versions").glob("[0-9]*.py"))
    script = ScriptDirectory(str(folder))
    (head,) = script.get_heads()
    line = [Path(step.path).name[:4] for step in script.walk_revisions("base", head)]
    assert line[::-1] == numbers
    assert len(set(numbers)) == len(numbers)


def test_readers_do_not_wait_while_the_exchanges_are_read(engine: Engine, database_url: str) -> None:
    """[EXP-30] All the steps of a start are one transaction: what makes readers wait is its last order. And
    going back, then up again, changes nothing."""
    folder = Path(__file__).parents[2] / "registry" / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    with engine.begin() as conn:
        avant = _describe(conn)
        config.attributes["connection"] = conn
        command.downgrade(config, "0041_version_demande")
    lus: list[int] = []

    def read(_conn: Connection, _cursor: object, ordre: str, *_: object) -> None:
        if "INSERT INTO echange_rare" in ordre and "SELECT statut" in ordre:
            with other.begin() as reader:
                reader.execute(text("SET LOCAL lock_timeout = '1s'"))
                lus.append(reader.execute(text("SELECT count(*) FROM distribution")).scalar_one())

    other = open_engine(database_url)
    event.listen(engine, "after_cursor_execute", read)
    upgrade(engine)
    event.remove(engine, "after_cursor_execute", read)
    other.dispose()
    assert lus == [0]
    with engine.connect() as conn:
        assert _describe(conn) == avant

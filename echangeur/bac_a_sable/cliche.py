"""The snapshot of the database of a sandbox, which is put back while the hub runs (`vidage`).

A copy of each table in a schema beside, in the same database: putting it back is one transaction of one
session, that waits for the transactions in progress and that the others wait for; nobody's session is closed.
A copy of the whole database (`CREATE DATABASE … TEMPLATE`) would need that nobody is connected.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine, text

from echangeur.bac_a_sable.vidage import ORDRES, SCHEMA

_TABLES: Final = text("""
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY c.relname
""")
_COLONNES: Final = text("""
    SELECT attname FROM pg_attribute
    WHERE attrelid = CAST(:nom AS regclass) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ORDER BY attnum
""")
_SEQUENCES: Final = text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'")


def take(engine: Engine) -> int:
    """Keep the database as it is, in place of what was kept before; the number of tables."""
    with engine.begin() as conn:
        conn.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        conn.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        tables = list(conn.scalars(_TABLES))
        # LOCK: readers go on, whoever writes waits. DELETE: emptying small tables costs less than giving each
        # of them new files, as TRUNCATE does.
        ordres = ["LOCK TABLE " + ", ".join(f'public."{nom}"' for nom in tables) + " IN EXCLUSIVE MODE"]
        for nom in tables:
            conn.execute(text(f'CREATE TABLE {SCHEMA}."{nom}" AS TABLE public."{nom}"'))
            colonnes = ", ".join(f'"{each}"' for each in conn.scalars(_COLONNES, {"nom": f'public."{nom}"'}))
            ordres += [
                f'DELETE FROM public."{nom}"',  # noqa: S608
                (
                    f'INSERT INTO public."{nom}" ({colonnes}) OVERRIDING SYSTEM VALUE'  # noqa: S608
                    f' SELECT {colonnes} FROM {SCHEMA}."{nom}"'
                ),
            ]
        for nom, valeur in conn.execute(_SEQUENCES):
            appelee = "true" if valeur is not None else "false"
            ordres.append(f"SELECT setval('public.\"{nom}\"', {valeur or 1}, {appelee})")
        conn.execute(text(f"CREATE TABLE {SCHEMA}.{ORDRES} (ordres text NOT NULL)"))
        conn.execute(
            text(f"INSERT INTO {SCHEMA}.{ORDRES} VALUES (:ordres)"),  # noqa: S608
            {"ordres": ";\n".join(ordres)},
        )
    return len(tables)

"""Putting a sandbox back as it was made, while its hub runs or not: within a second, the command included.

So nothing is imported here but the driver of the database: what opens an instance costs more than this does.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import psycopg

from echangeur.bac_a_sable.horloge import HorlogeDeBac
from echangeur.bac_a_sable.lieux import BOITES, INSTANCE, is_sandbox, no_sandbox, other_version
from echangeur.lieux import IMAGES, POSTGRES
from echangeur.sortie import MauvaisUsage
from registry.embedded import EmbeddedError, EmbeddedPostgres

SCHEMA: Final = "bac_cliche"
"""Where the snapshot is, in the database of the sandbox (`cliche`)."""
ORDRES: Final = "remise"
"""Its table of the orders that put it back."""
_ESSAIS: Final = 5


def empty(dossier: Path) -> None:
    """Put back the stock, the boxes and the clock as they were when the sandbox was made.

    Raises MauvaisUsage when the folder holds no sandbox, or when its database was made by another version,
    does not start or is too busy.
    """
    dossier = dossier.absolute()
    if not is_sandbox(dossier):
        raise no_sandbox(dossier)
    instance = dossier / INSTANCE
    try:
        with EmbeddedPostgres(instance / POSTGRES) as server:
            if not put_back(server.url()):
                raise other_version(dossier)
    except EmbeddedError as error:
        raise MauvaisUsage(f"La base embarquée ne démarre pas : {error}") from error
    except psycopg.OperationalError as error:
        raise MauvaisUsage(
            "La base du bac à sable ne répond pas, ou est trop occupée.",
            "Recommencez la commande.",
        ) from error
    HorlogeDeBac(dossier).resume()
    shutil.rmtree(dossier / BOITES, ignore_errors=True)
    for image in IMAGES:
        # They would tell of demandes that are no more.
        shutil.rmtree(instance / image, ignore_errors=True)


def put_back(url: str) -> bool:
    """Whether the database is as it was kept; untouched if its schema is another since.

    Raises psycopg.OperationalError when it does not answer, or was too busy five times over.
    """
    with psycopg.connect(url, connect_timeout=10, application_name="echangeur", autocommit=True) as conn:
        if not _is_of_its_schema(conn):
            return False
        for essai in range(_ESSAIS):
            try:
                with conn.transaction():
                    _execute(conn)
            except psycopg.OperationalError:
                # Two transactions that wait for each other: ours is the one that may begin again.
                if essai == _ESSAIS - 1:
                    raise
            else:
                break
    return True


def _execute(conn: psycopg.Connection) -> None:
    lus = conn.execute(f"SELECT ordres FROM {SCHEMA}.{ORDRES}").fetchone()  # noqa: S608
    assert lus is not None
    conn.execute("SET LOCAL lock_timeout = '2s'")
    # Neither the foreign keys, checked row by row, nor the triggers: what is put back was checked once. Of
    # all the triggers, one refuses that the journal be emptied, in every hub but this one.
    conn.execute("SET LOCAL session_replication_role = replica")
    # Written by `take` for this schema: one round trip for some two hundred orders.
    conn.execute(lus[0])
    # Whoever keeps something in memory looks again.
    conn.execute("SELECT pg_notify('generation', nom) FROM generation")


def _is_of_its_schema(conn: psycopg.Connection) -> bool:
    # Of another, the orders would leave a table made since, and would give the schema of today the revision
    # of that day, from which the next start would bring it up again.
    meme = conn.execute(
        "SELECT avant.version_num = depuis.version_num"  # noqa: S608
        f" FROM {SCHEMA}.version_schema avant, public.version_schema depuis"
    ).fetchone()
    return meme == (True,)

"""The database: how to reach it, and how to bring its schema up to date.

alembic is imported where the schema is spoken of: a command that only reads need not wait for it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import Connection, Engine, create_engine, make_url, text

if TYPE_CHECKING:
    from alembic.config import Config

# Any number, the same for every process: it is the name of the lock that upgrades queue on.
_UPGRADE_LOCK: Final = 0x6563_6861_6E67

_VERSION_TABLE: Final = "version_schema"


class SchemaInconnu(Exception):
    """The schema of a database is none that this program knows: that of a later program. The message is
    French and complete; `revision` is what was found."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        super().__init__(
            f"La base est au schéma {revision}, celui d'un programme plus récent que celui-ci,"
            f" qui va jusqu'à {head_revision()}."
        )


def open_engine(url: str, *, pool_size: int = 5, repos_max: timedelta | None = None) -> Engine:
    """An engine on PostgreSQL through psycopg 3; nothing is connected yet.

    url: ``postgresql://…``, with or without a driver.
    pool_size: connections kept; a thread of the hub holds one at a time, so this is the number of threads
        that speak to the database, and no overflow is allowed beyond twice that.
    repos_max: how long the server lets a transaction of ours stay idle before it ends its session. A process
        that serves gives one: frozen in the middle of a transaction, it would otherwise hold its locks, and
        whoever waits for them, for as long as it is ([DST-54]).

    No pre-ping: it would cost a round trip to each batch, and when the server restarts, the first error
    already empties the pool. Raises ValueError when the URL is not one of PostgreSQL.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        raise ValueError("l'adresse de la base doit commencer par postgresql://")
    # Instants come back in UTC wherever the server is set; the planner's JIT costs more than our short
    # queries do.
    options = "-c timezone=UTC -c jit=off"
    if repos_max is not None:
        options += f" -c idle_in_transaction_session_timeout={int(repos_max.total_seconds() * 1000)}"
    return create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_use_lifo=True,
        # Half of what reading a stored filter costs was the JSON of the standard library.
        json_deserializer=msgspec.json.decode,
        connect_args={
            "application_name": "echangeur",
            "connect_timeout": 10,
            "options": options,
        },
    )


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest version, in one transaction; does nothing when it is there already.

    Safe to call from several processes at once: they queue on an advisory lock. Never goes back: raises
    SchemaInconnu, without a change, when the schema is that of a later program ([EXP-31]).
    """
    from alembic import command

    with as_file(files("registry").joinpath("migrations")) as scripts, engine.begin() as conn:
        conn.execute(text("SELECT pg_advisory_xact_lock(:cle)"), {"cle": _UPGRADE_LOCK})
        check_known(read_revision(conn))
        config = _config(str(scripts))
        config.attributes["connection"] = conn
        command.upgrade(config, "head")


def read_revision(conn: Connection) -> str | None:
    """The version of the schema of a database; None when it has none yet."""
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(conn, opts={"version_table": _VERSION_TABLE})
    return context.get_current_revision()


def check_known(revision: str | None) -> None:
    """Raises SchemaInconnu unless this program has that version of the schema, or there is none."""
    if revision is not None and revision not in revisions():
        raise SchemaInconnu(revision)


def head_revision() -> str:
    """The newest version of the schema that this program knows."""
    return revisions()[0]


@cache
def revisions() -> tuple[str, ...]:
    """All the versions of the schema that this program knows, the newest first."""
    from alembic.script import ScriptDirectory

    with as_file(files("registry").joinpath("migrations")) as scripts:
        script = ScriptDirectory.from_config(_config(str(scripts)))
        return tuple(step.revision for step in script.walk_revisions())


def _config(scripts: str) -> Config:
    from alembic.config import Config

    config = Config()
    # ConfigParser would read a % of the path as an interpolation.
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    # Alembic otherwise splits locations on spaces, colons or commas: a folder may well hold one.
    config.set_main_option("path_separator", "newline")
    return config

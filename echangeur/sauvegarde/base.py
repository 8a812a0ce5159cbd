"""The database through the programs of PostgreSQL itself: pg_dump and pg_restore, in a stream.

They are those of the embedded build, which reads any older server. The password of an address goes by the
environment: arguments are seen by everybody on the machine.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Final

from sqlalchemy import Connection, Engine, text

from echangeur.sauvegarde.manifeste import Journal
from echangeur.sortie import ConstatNegatif
from registry.embedded import binaries

_TABLES: Final = """
    SELECT c.oid::regclass::text FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY 1
"""


@contextmanager
def picture(engine: Engine) -> Iterator[tuple[Connection, str]]:
    """One unchanging picture of the database, with the name by which pg_dump takes the same one."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        yield conn, str(conn.execute(text("SELECT pg_export_snapshot()")).scalar_one())


def count_rows(conn: Connection) -> dict[str, int]:
    """Rows by table."""
    names = conn.scalars(text(_TABLES)).all()
    return {name: conn.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names}  # noqa: S608


def read_head(conn: Connection) -> Journal:
    """The head of the journal."""
    query = text("SELECT sequence, encode(empreinte, 'hex') FROM chaine WHERE nom = 'registre'")
    return Journal(*conn.execute(query).one())


@contextmanager
def dump(engine: Engine, snapshot: str) -> Iterator[IO[bytes]]:
    """The database in pg_dump's custom format. Raises ConstatNegatif when pg_dump fails."""
    # Rights and owners are those of the account that restores.
    words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
    with tempfile.TemporaryFile() as errors:
        with _start("pg_dump", engine, words, stdout=subprocess.PIPE, stderr=errors) as process:
            assert process.stdout is not None
            yield process.stdout
        _check("pg_dump", process, errors)


def restore(engine: Engine, morceaux: Iterable[bytes]) -> None:
    """Fill an empty database, whole or not at all. Raises ConstatNegatif when pg_restore fails."""
    words = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    with tempfile.TemporaryFile() as errors:
        with _start("pg_restore", engine, words, stdin=subprocess.PIPE, stderr=errors) as process:
            assert process.stdin is not None
            try:
                for morceau in morceaux:
                    process.stdin.write(morceau)
                process.stdin.close()
            except BrokenPipeError:
                # It has said why.
                pass
            except BaseException:
                process.kill()
                raise
        _check("pg_restore", process, errors)


def is_empty(conn: Connection) -> bool:
    """Whether a database has no table of anybody."""
    query = """
        SELECT NOT EXISTS (SELECT FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema'))
    """
    return bool(conn.execute(text(query)).scalar_one())


def _start(
    programme: str,
    engine: Engine,
    words: list[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: IO[bytes],
) -> subprocess.Popen[bytes]:
    url = engine.url.set(drivername="postgresql")
    environment = {**os.environ, "LC_ALL": "C"}
    if isinstance(url.password, str):
        environment["PGPASSWORD"] = url.password
        url = url._replace(password=None)
    place = f"--dbname={url.render_as_string(hide_password=False)}"
    return subprocess.Popen(  # noqa: S603 (our binaries, our arguments)
        [str(binaries() / programme), *words, place],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=environment,
    )


def _check(programme: str, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    if process.returncode == 0:
        return
    errors.seek(0)
    # A DETAIL line quotes the values of a row; the first line names what failed.
    said = errors.read().decode(errors="replace").strip().splitlines()
    raise ConstatNegatif(f"{programme} a échoué : {said[0] if said else f'code {process.returncode}'}")

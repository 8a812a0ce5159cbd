"""The embedded server: shared by processes, stopped by the last, whoever was killed in between."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from registry.database import open_engine
from registry.embedded import EmbeddedError, EmbeddedPostgres

FAST = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "20", "io_method": "sync"}

HOLD = """
import sys
from registry.embedded import EmbeddedPostgres
with EmbeddedPostgres(sys.argv[1]):
    print("prêt", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder of our own: each session of pytest closes the parent of tmp_path to other users again."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def installed(place: Path) -> Iterator[Path]:
    """A data folder installed once for the module, its server stopped."""
    folder = place / "pg"
    with EmbeddedPostgres(folder, settings=FAST):
        pass
    yield folder
    EmbeddedPostgres(folder).stop_server()


def one(url: str) -> object:
    engine = open_engine(url)
    try:
        with engine.connect() as conn:
            return conn.scalar(text("SELECT 1"))
    finally:
        engine.dispose()


def running(folder: Path) -> bool:
    try:
        EmbeddedPostgres(folder).url()
    except EmbeddedError:
        return False
    return True


def hold(folder: Path) -> subprocess.Popen[str]:
    """Another process that uses the server until its standard input closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "prêt\n"
    return process


def test_it_serves_and_stops(installed: Path) -> None:
    server = EmbeddedPostgres(installed)
    with server:
        assert one(server.url()) == 1
        assert running(installed)
    assert not running(installed)
    with pytest.raises(EmbeddedError, match="n'est pas démarré"):
        server.url()


def test_the_last_to_leave_stops_it(installed: Path) -> None:
    with EmbeddedPostgres(installed) as server:
        other = hold(installed)
        other.communicate()
        assert other.returncode == 0
        assert one(server.url()) == 1, "another process leaving must not stop ours"
    assert not running(installed)


def test_a_killed_user_does_not_keep_it_alive_for_ever(installed: Path) -> None:
    """issue 2: SIGKILL at any moment; the kernel releases the lock of the dead."""
    killed = hold(installed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert running(installed), "the database survives the hub"
    with EmbeddedPostgres(installed) as server:
        assert one(server.url()) == 1
    assert not running(installed)


def test_it_starts_again_after_the_machine_stopped(installed: Path) -> None:
    """A pid file without its process, and a WAL to replay."""
    with EmbeddedPostgres(installed, keep=True):
        pass
    ending = os.pidfd_open(int((installed / "postmaster.pid").read_text().splitlines()[0]))
    signal.pidfd_send_signal(ending, signal.SIGKILL)
    assert select.select([ending], [], [], 10)[0], "it dies"
    os.close(ending)
    with EmbeddedPostgres(installed) as server:
        assert one(server.url()) == 1
    assert not running(installed)


def test_two_in_one_process_share_it(installed: Path) -> None:
    with EmbeddedPostgres(installed) as first:
        with EmbeddedPostgres(installed):
            pass
        assert one(first.url()) == 1
        with pytest.raises(RuntimeError, match="déjà ouvert"):
            first.__enter__()
    assert not running(installed)


def test_a_folder_with_a_long_or_odd_name_works(place: Path) -> None:
    """A socket path holds 107 bytes; blanks, accents and quotes are what people name folders with."""
    folder = place / ("l'été à « Paris » " + "x" * 90)
    with EmbeddedPostgres(folder, settings=FAST) as server:
        assert one(server.url()) == 1
    assert not running(folder)


def test_what_cannot_be_installed_says_why(place: Path) -> None:
    taken = place / "pris"
    taken.mkdir()
    (taken / "autre").write_text("déjà pris")
    with pytest.raises(EmbeddedError, match="initdb a échoué"), EmbeddedPostgres(taken):
        pass


def test_the_log_never_quotes_a_row(installed: Path) -> None:
    """regles §12: a duplicate key would otherwise be written with its values."""
    with EmbeddedPostgres(installed) as server:
        engine = open_engine(server.url())
        with engine.connect() as conn:
            conn.execute(text("CREATE TEMP TABLE t (nom text PRIMARY KEY)"))
            with pytest.raises(Exception, match="t_pkey"):  # noqa: PT012
                for _ in range(2):
                    conn.execute(text("INSERT INTO t VALUES (:nom)"), {"nom": "DUPONT-TEMOIN"})
        engine.dispose()
    log = (installed / "postgresql.log").read_text()
    assert "t_pkey" in log
    assert "DUPONT-TEMOIN" not in log


def test_temporary_folders_are_in_that_of_the_session() -> None:
    """What a killed session leaves in memory is then swept; and the address of a socket there is short."""
    with tempfile.TemporaryDirectory() as folder:
        assert Path(folder).is_relative_to(os.environ["ECHANGEUR_TESTS_DOSSIER"])
        assert len(f"{folder}/echangeur-pg-12345678/.s.PGSQL.5432") <= 107

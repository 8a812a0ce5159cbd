"""A real PostgreSQL for the tests.

One server for the whole session, shared by the workers of pytest-xdist, started by the first test that needs
it. A template database is migrated once; each test gets a fresh copy of it. The process that runs the session
stops the server and removes its folder, temporary ones included; what a killed session left is swept by the
next one.

Everything that the session writes is in memory (/dev/shm) where there is room for it: a copy of the template
is a thousand files, made four times as fast there. `ECHANGEUR_TESTS_RACINE` names another place.

- ``engine``: an Engine on an empty, migrated database of this test's own.
- ``database_url``: the address of that same database, for what opens its own engine or process.
- ``module_engine``: the same for a whole module; for hypothesis, which forbids per-test fixtures.
- ``clock``: a FixedClock.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import Engine, text

from registry.clock import FixedClock
from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres

_FOLDER = "ECHANGEUR_TESTS_DOSSIER"
_ROOT = "ECHANGEUR_TESTS_RACINE"
_PREFIX = "echangeur-t-"
_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30
"""Bytes free in memory below which the session stays on the disk; a session was seen to take a tenth."""
_TEMPLATE = "modele"
_SETTINGS = {
    # The database does not outlive the session: nothing to protect from a power cut.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "io_method": "sync",
}
_numbers = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder in the main process; the workers inherit it with the environment."""
    # No time is asserted in a test: on a loaded machine an example of 17 ms was seen to take 375.
    hypothesis.settings.register_profile("sans délai", parent=hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("sans délai")
    if _is_worker(config):
        return
    root = _root()
    for each in {root, _MEMORY, Path(tempfile.gettempdir())}:
        _sweep(each)
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=root)
    # Whatever makes a temporary folder, the programs that the tests start included. A short name: the address
    # of a Unix socket has 107 octets. Open as /tmp is: a server that root starts is that of another user.
    temporary = Path(folder, "t")
    temporary.mkdir()
    temporary.chmod(0o1777)
    temporary.parent.chmod(0o711)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    config.add_cleanup(lambda: _remove(Path(folder)))
    patch.setenv(_FOLDER, folder)
    patch.setenv("TMPDIR", str(temporary))
    patch.setattr(tempfile, "tempdir", str(temporary))
    # The folders of the tests too: pytest closes those it shares between sessions (mode 0700) whenever
    # another session starts, and an instance served as root keeps its database there for another user.
    patch.setenv("PYTEST_DEBUG_TEMPROOT", folder)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _root() -> Path:
    """Where the folder of the session goes: in memory if programs may be run from there and there is room."""
    if chosen := os.environ.get(_ROOT):
        return Path(chosen)
    with contextlib.suppress(OSError, StopIteration):
        found = os.statvfs(_MEMORY)
        if not found.f_flag & os.ST_NOEXEC and min(found.f_bavail * found.f_frsize, _available()) > _ROOM:
            return _MEMORY
    return Path(tempfile.gettempdir())


def _available() -> int:
    """Bytes of memory that the machine can still give."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))


def _sweep(root: Path) -> None:
    """Remove what sessions killed before their end have left, server included."""
    for folder in root.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        # Two sessions that start together sweep together: what one finds gone, the other has removed.
        with contextlib.suppress(FileNotFoundError):
            if pid.isdigit() and folder.stat().st_uid == os.geteuid() and not Path(f"/proc/{pid}").exists():
                _remove(folder)


def _remove(folder: Path) -> None:
    """The server with it. Of the main process, when its workers are gone."""
    if (folder / "pg").exists():
        EmbeddedPostgres(folder / "pg").stop_server()
    # What a process that ends late wrote again meanwhile is for the sweep of another session.
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server of the session, with the template database ready."""
    with EmbeddedPostgres(Path(os.environ[_FOLDER]) / "pg", settings=_SETTINGS, keep=True) as server:
        with _administration(server) as admin, admin.connect() as conn:
            # The workers queue here; the first one makes the template.
            conn.execute(text("SELECT pg_advisory_lock(1)"))
            known = text("SELECT count(*) FROM pg_database WHERE datname = :nom AND NOT datallowconn")
            if not conn.scalar(known, {"nom": _TEMPLATE}):
                conn.execute(text(f"CREATE DATABASE {_TEMPLATE}"))
                model = open_engine(server.url(_TEMPLATE))
                upgrade(model)
                model.dispose()
                # Nobody may connect: a template in use cannot be copied.
                conn.execute(text(f"ALTER DATABASE {_TEMPLATE} ALLOW_CONNECTIONS false"))
            conn.execute(text("SELECT pg_advisory_unlock(1)"))
        yield server


@pytest.fixture(scope="session")
def administration(postgres: EmbeddedPostgres) -> Iterator[Engine]:
    """An autocommit engine on the database `postgres`, which creates and drops those of the tests."""
    with _administration(postgres) as admin:
        yield admin


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, administration: Engine) -> Iterator[str]:
    with _fresh_database(postgres, administration) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url, pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def module_engine(postgres: EmbeddedPostgres, administration: Engine) -> Iterator[Engine]:
    with _fresh_database(postgres, administration) as url:
        engine = open_engine(url, pool_size=20)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def second_engine(postgres: EmbeddedPostgres, administration: Engine) -> Iterator[Engine]:
    """A second database for the module, beside that of `module_engine`."""
    with _fresh_database(postgres, administration) as url:
        engine = open_engine(url, pool_size=20)
        yield engine
        engine.dispose()


@pytest.fixture
def clock() -> FixedClock:
    """16 March 2026, 10:30 in Paris."""
    return FixedClock(datetime(2026, 3, 16, 9, 30, tzinfo=UTC))


@contextmanager
def _administration(server: EmbeddedPostgres) -> Iterator[Engine]:
    engine = open_engine(server.url(), pool_size=1).execution_options(isolation_level="AUTOCOMMIT")
    try:
        yield engine
    finally:
        # Also when the template could not be made: the other worker must not wait for our lock for ever.
        engine.dispose()


@contextmanager
def _fresh_database(server: EmbeddedPostgres, admin: Engine) -> Iterator[str]:
    name = f"essai_{os.getpid()}_{next(_numbers)}"
    with admin.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY"))
    yield server.url(name)
    with admin.connect() as conn:
        # FORCE: what a test left connected (a killed process, a worker) must not fail the next test.
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))

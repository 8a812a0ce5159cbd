"""Back to an instant by the WAL that PostgreSQL archives, as docs/exploitation/sauvegarder.md says."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from echangeur.instance import create_instance
from registry.database import open_engine
from registry.embedded import EmbeddedPostgres, binaries
from tests.bout_en_bout.page import Page
from tests.bout_en_bout.processus import eventually
from tests.registry.fabrique import generate, recue_of, register_all


@pytest.fixture
def lieu() -> Iterator[Path]:
    """A short path, for the socket of PostgreSQL; open to the account that runs it."""
    with tempfile.TemporaryDirectory(prefix="retour-") as folder:
        path = Path(folder)
        path.chmod(0o777)
        yield path


def register(url: str, *rangs: int) -> None:
    engine = open_engine(url)
    register_all(engine, [recue_of(generate(rang)) for rang in rangs])
    engine.dispose()


def ask(url: str, query: str) -> object:
    engine = open_engine(url)
    try:
        with engine.connect() as conn:
            return conn.scalar(text(query))
    finally:
        engine.dispose()


def test_back_to_an_instant(lieu: Path) -> None:
    """[EXP-26] What was committed up to that instant is there, what came after is not; the register is sound,
    and goes on."""
    compte = "echangeur-pg" if os.geteuid() == 0 else None
    archive, depart, donnees, ici = (lieu / nom for nom in ("archive", "depart", "pg", "ici"))
    archive.mkdir()
    archive.chmod(0o777)
    settings = {"unix_socket_directories": str(lieu), "shared_buffers": "16MB", "io_method": "sync"}
    with EmbeddedPostgres(donnees, settings=settings, keep=True) as serveur:
        base = serveur.url()
        dossiers = {"DONNEES": donnees, "ARCHIVE": archive, "DEPART": depart, "NOUVELLE": ici}
        page = Page("sauvegarder.md", lieu, {"BASE": base, **dossiers}, chemin=str(binaries()))
        create_instance(ici, now=datetime.now(UTC), url=base)
        register(base, 1, 2)
        page.type("archive_mode", user=compte)
        page.type("pg_basebackup", user=compte)
        register(base, 3, 4)
        instant = ask(base, "SELECT now()::text")
        register(base, 5)
        derniere = str(ask(base, "SELECT pg_walfile_name(pg_switch_wal())"))
        eventually(lambda: (archive / derniere).exists(), "le WAL n'est pas archivé")
        serveur.stop_server()
    page.type("recovery.signal", user=compte, INSTANT=instant)
    try:
        revenue = f"postgresql://postgres@/postgres?host={lieu}&port=5432"
        assert ask(revenue, "SELECT count(*) FROM demande") == 4
        fichier = ici / "echangeur.toml"
        fichier.write_text(fichier.read_text().replace(base, revenue))
        said = page.type("sauvegarde reserver", JUSQU_A=str(instant)[:19])
        assert "10000 numéros uniques passés" in said
        assert "5 entrée(s), 4 document(s) relus." in said
        assert "Le registre est intact." in said
        register(revenue, 6)
        assert str(ask(revenue, "SELECT max(substr(numero, 8, 6)) FROM demande")) > "010000"
    finally:
        stop = [binaries() / "pg_ctl", "-D", depart, "-m", "immediate", "stop"]
        subprocess.run(stop, user=compte, capture_output=True, cwd="/")

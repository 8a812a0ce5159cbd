"""From the base of the first version that answered all the operations, filled by that version, to today's."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine, text

from certs.tls import client_context
from conformance.client_reference import ClientReference
from conformance.retrait_reference import RetraitReference
from echangeur.instance import create_instance
from echangeur.sauvegarde import base
from registry.database import head_revision, open_engine, read_revision
from registry.embedded import EmbeddedPostgres
from tests.bout_en_bout.constats import NUMERO
from tests.bout_en_bout.monde import administer
from tests.bout_en_bout.page import Page
from tests.interop.serveurs import free_ports
from tests.secousses.processus import Hub, Pepiniere

ANCIENNE = Path(__file__).parent / "bases" / "0009.dump"
DEMANDES, ATTENDENT = 40, 10
SEQUENCE = text("SELECT max(sequence) FROM distribution WHERE guichet = :guichet")


@pytest.fixture
def ancienne(postgres: EmbeddedPostgres, administration: Engine, database_url: str) -> Iterator[str]:
    """The address of a database as that version left it."""
    nom = f"{database_url.rpartition('?')[0].rpartition('/')[2]}_ancienne"
    with administration.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {nom}"))
    engine = open_engine(postgres.url(nom))
    base.restore(engine, [ANCIENNE.read_bytes()])
    engine.dispose()
    yield postgres.url(nom)
    with administration.connect() as conn:
        conn.execute(text(f"DROP DATABASE {nom} WITH (FORCE)"))


@pytest.mark.slow
def test_from_the_first_version(ancienne: str, database_url: str, tmp_path: Path) -> None:
    """[EXP-30] As docs/exploitation/mettre-a-niveau.md says: saved, then two processes of today start at once
    on that base. It is brought up to date once, nothing of it is lost, and the registry goes on."""
    engine = open_engine(ancienne)
    with engine.connect() as conn:
        assert read_revision(conn) == "0009_pieces"
        avant = base.count_rows(conn)
        tete = base.read_head(conn)
        numero = conn.scalar(text("SELECT min(numero) FROM demande WHERE guichet = 'G1104'"))
    assert (avant["demande"], tete.sequence) == (DEMANDES, DEMANDES)

    dossier = tmp_path / "instance"
    create_instance(dossier, now=datetime.now(UTC), url=database_url)
    fichier = dossier / "echangeur.toml"
    fichier.write_text(fichier.read_text().replace(database_url, ancienne))
    variables = {"INSTANCE": dossier, "COPIE": tmp_path / "copie"}
    Page("sauvegarder.md", tmp_path, variables).type("openssl req")
    page = Page("mettre-a-niveau.md", tmp_path, variables)
    assert "schéma 0009_pieces" in page.type("sauvegarde faire")
    with ExitStack() as stack:
        # The address of a local socket has 107 octets at most.
        court = Path(stack.enter_context(TemporaryDirectory(prefix="echangeur-niveau-")))
        pepiniere = Pepiniere(court)
        stack.callback(pepiniere.close)
        (port,) = free_ports(1)
        soap = _hub(pepiniere, dossier, "soap", "--port", port)
        worker = _hub(pepiniere, dossier, "worker")
        soap.launch()
        worker.start()
        soap.wait_ready()
        with engine.connect() as conn:
            assert read_revision(conn) == head_revision()
            apres = base.count_rows(conn)
            assert base.read_head(conn) == tete
        changed = {table for table, lignes in avant.items() if apres.get(table) != lignes}
        # The counters of generations have more kinds since; the pauses of guichets became circuit breakers.
        assert changed == {"generation", "envoi_guichet"}
        for code in ("G1104", "G0590"):
            administer("--instance", dossier, "certificat", "emettre", code, "--dossier", tmp_path / code)
        adresse = f"https://localhost:{port}"
        lue = ClientReference(adresse, _context(tmp_path / "G1104")).demande_logement(str(numero))
        assert lue.find(NUMERO) == numero
        # What waited for a guichet without an endpoint, which had no way to get it then.
        retrait = RetraitReference(adresse, _context(tmp_path / "G0590"), tmp_path / "retraits.sqlite")
        assert retrait.passer() == ATTENDENT
        assert retrait.passer() == 0
        retrait.close()
        prets = page.type("sante")
        assert all(role in prets for role in ("soap", "worker"))
        soap.stop()
        worker.stop()
    assert f"{DEMANDES} entrée(s), {DEMANDES} document(s) relus." in page.type("registre verifier")
    assert page.tapes == set(page.blocs)
    with engine.connect() as conn:
        assert conn.scalar(SEQUENCE, {"guichet": "G0590"}) == ATTENDENT
    engine.dispose()


def _hub(pepiniere: Pepiniere, dossier: Path, role: str, *options: object) -> Hub:
    words = ["--instance", dossier, "serve", "--role", role, "--port-administration", 0, *options]
    return pepiniere.hub(role, [str(word) for word in words], dossier / f"{role}.log")


def _context(dossier: Path) -> ssl.SSLContext:
    return client_context(dossier / "ca.pem", dossier / "cert.pem", dossier / "key.pem")

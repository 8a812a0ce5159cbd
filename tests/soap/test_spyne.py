"""spyne stays behind one module, imports on the Pythons to come, and does not do what it does by default."""

from __future__ import annotations

import ast
import asyncio
import logging
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import spyne.const

import soap
from registry.echanges import Canal, Echange, Emetteur, Refus
from soap.correlation import new_id
from soap.description import Operation
from soap.envelope import FichierEmis, Parametres, Retour
from soap.services import DEMANDE_LOGEMENT, GESTION_PARTAGEE
from soap.spyne_compat import parse_header
from soap.spyne_engine import Moteur, Requete
from tests.soap.conftest import guichet
from tests.soap.messages import envelope, inline_num_unique

ECHANGE = Echange(
    uuid.UUID(int=7 << 76 | 2 << 62),
    Emetteur(guichet("G1104"), "0" * 64),
    Canal.SOAP,
    "",
    datetime(2026, 3, 16, tzinfo=UTC),
    b"",
)


def test_one_module_imports_spyne() -> None:
    """docs/decisions/0002: to replace it is to write that module again."""
    importers = set()
    for path in Path(soap.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "spyne" for name in names):
                importers.add(path.name)
    assert importers == {"spyne_engine.py"}


def test_import_without_what_newer_pythons_removed() -> None:
    """As on Python 3.13: no `find_module` in the import system, no `cgi`; warnings are errors."""
    script = (
        "import sys, importlib.util\n"
        "from soap import spyne_compat as c\n"
        "c.install_six(); c.install_cgi()\n"
        "del type(sys.modules['spyne.util.six']._importer).find_module\n"
        "import soap.spyne_engine, cgi\n"
        "assert cgi.parse_header is c.parse_header\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_header_parser_gives_what_cgi_gave() -> None:
    assert parse_header('multipart/related; type="a; b"; start=x') == (
        "multipart/related",
        {"type": "a; b", "start": "x"},
    )


def test_no_garbage_collection_inside_requests() -> None:
    assert float("inf") == spyne.const.MIN_GC_INTERVAL


def test_spyne_logs_nothing() -> None:
    """By default it logs whole invalid documents, with tracebacks."""
    assert not logging.getLogger("spyne.protocol.xml.invalid").isEnabledFor(logging.CRITICAL)


async def test_six_operations_with_one_wrapper_run_their_own() -> None:
    """Stock spyne runs the first of them for all six, without an error."""
    ran = []

    async def execute(operation: Operation, echange: Echange, parametres: Parametres) -> Retour | Refus:
        ran.append((operation.nom, echange.operation))
        return Retour({"nomFichierXmlRetour": ""}, {"fichierXmlRetour": FichierEmis(b"")})

    engine = Moteur(GESTION_PARTAGEE, execute)
    body = envelope(
        "<ws:fichierXmlParametres><nomFichier/><fichierXml/><nomCertificat/></ws:fichierXmlParametres>"
    )
    for name in GESTION_PARTAGEE.operations:
        answer = await engine.answer(Requete("application/soap+xml", name, body), ECHANGE)
        assert (answer.statut, answer.operation, answer.executee) == (200, name, True)
    assert ran == [(name, name) for name in GESTION_PARTAGEE.operations]


async def test_calls_do_not_mix() -> None:
    """Many calls at once on one engine: each answers with its own file."""

    async def execute(operation: Operation, echange: Echange, parametres: Parametres) -> Retour | Refus:
        await asyncio.sleep(0)
        fichier = parametres.fichiers["fichierDemande"]
        return Retour({"nomFichierDemande": "a"}, {"fichierDemande": FichierEmis(fichier)})

    engine = Moteur(DEMANDE_LOGEMENT, execute)

    async def call(rank: int) -> bool:
        from base64 import b64encode

        body = inline_num_unique(f"<a>{rank}</a>".encode())
        answer = await engine.answer(Requete("application/soap+xml", "", body), ECHANGE)
        return b64encode(f"<a>{rank}</a>".encode()) in answer.corps

    assert all(await asyncio.gather(*(call(rank) for rank in range(200))))


def test_correlation_identifiers_follow_time() -> None:
    """RFC 9562 §5.7: version 7, variant 2, milliseconds first."""
    early = new_id(datetime(2026, 3, 16, tzinfo=UTC))
    late = new_id(datetime(2026, 3, 16, 0, 0, 0, 1000, tzinfo=UTC))
    assert early < late
    assert {early.version, late.version} == {7}
    assert early.variant == uuid.RFC_4122
    assert early.int >> 80 == int(datetime(2026, 3, 16, tzinfo=UTC).timestamp() * 1000)
    assert len({new_id(datetime(2026, 3, 16, tzinfo=UTC)) for _ in range(1000)}) == 1000

"""A hub that is lost while it serves, and goes on elsewhere from a backup made while it was receiving."""

from __future__ import annotations

import json
import re
import shutil
import signal
from pathlib import Path

import pytest
from sqlalchemy import text

from echangeur.instance import open_instance
from echangeur.lieux import POSTGRES
from registry.embedded import EmbeddedPostgres
from registry.numero_unique import parse
from registry.reprise import NATURE
from tests.bout_en_bout.conftest import Scene
from tests.bout_en_bout.constats import NUMERO
from tests.bout_en_bout.monde import RECEVEURS, administer, generate_depots
from tests.bout_en_bout.page import Page
from tests.bout_en_bout.processus import call, eventually

AVANT, APRES = 120, 40
"""Demandes of the flow during which the backup is made; those that are registered after it, and lost."""
CODES = tuple(bureau.code for bureau in RECEVEURS)


@pytest.mark.slow
def test_lost_and_restored_elsewhere(scene: Scene, place: Path) -> None:
    """[EXP-20] [EXP-22] [EXP-23] [EXP-24] [EXP-25] As docs/exploitation/sauvegarder.md says: backed up under
    a flow of registrations, killed later, restored into another folder and another PostgreSQL. What was saved
    is all there, nothing that a partner acknowledged before comes again, no number is given twice, and each
    sequence goes on without a gap."""
    copie, ailleurs = place / "copie", place / "ailleurs"
    # Kept elsewhere, as the page says: with the base, it would give the second factors.
    scellement = shutil.copy(scene.dossier / "console" / "scellement.cles", place)
    variables = {"INSTANCE": scene.dossier, "COPIE": copie, "NOUVELLE": ailleurs, "SCELLEMENT": scellement}
    page = Page("sauvegarder.md", place, variables)
    page.type("openssl req")
    depots = generate_depots("sauvegarde", AVANT + APRES)
    flow = scene.clients.register_all(depots[:AVANT])
    scene.clients.wait_for(AVANT // 4)
    said = page.type("sauvegarde faire")
    sauvees = int(re.search(r"^(\d+) entrée", said, re.M)[1])  # type: ignore[index]
    list(flow)
    list(scene.clients.register_all(depots[AVANT:]))
    scene.partenaires.wait_for(sum(len(depot.destinataires) for depot in depots))
    avant = {rang: lecture.find(NUMERO) for rang, lecture in scene.clients.reponses.items()}
    acquittees = _acknowledged(scene.dossier)
    assert 0 < sauvees <= AVANT, "pendant le flux"
    scene.serveur.kill()
    EmbeddedPostgres(scene.dossier / POSTGRES).stop_server()

    assert "Le registre est intact." in page.type("sauvegarde restaurer")
    assert not (ailleurs / "console" / "scellement.cles").exists()
    page.type("install -D")
    connues = _numbers(ailleurs)
    assert len(connues) == sauvees
    assert connues <= set(avant.values())
    # Acknowledged before the backup: acknowledged still. What was delivered after it goes again, the same.
    assert _acknowledged(ailleurs) <= acquittees
    en_attente = _waiting(ailleurs)

    derniers = {
        code: max((reception.sequence for reception in scene.partenaires.receptions(code)), default=0)
        for code in CODES
    }
    # The operation by which partners reconcile tells what the registry no longer knows; the operator passes.
    # As the page says for one of them; the same commands in this process for the others.
    premier, *autres = [code for code, dernier in derniers.items() if dernier]
    (place / "liste.txt").write_text(f"1-{derniers[premier]}\n")
    assert "en trop" in page.type("distribution rapprocher", GUICHET=premier, DERNIER=derniers[premier])
    assert "en trop" not in page.type("distribution rapprocher", GUICHET=premier, DERNIER=derniers[premier])
    for code in autres:
        administer("--instance", ailleurs, "sauvegarde", "reprendre", code, derniers[code])

    recues = {code: len(scene.partenaires.receptions(code)) for code in CODES}
    scene.serveur.dossier = ailleurs
    scene.serveur.start()
    # The authors that were answered keep their answer; those that send again are known, or registered anew.
    list(scene.clients.register_all(depots))
    apres = {rang: lecture.find(NUMERO) for rang, lecture in scene.clients.reponses.items()}
    perdus = {rang for rang, numero in avant.items() if numero not in connues}
    assert len(perdus) >= APRES
    assert {rang: apres[rang] for rang in avant.keys() - perdus} == {
        rang: avant[rang] for rang in avant.keys() - perdus
    }
    assert not {apres[rang] for rang in perdus} & set(avant.values()), "un numéro donné deux fois"
    assert all(parse(apres[rang]) is not None for rang in perdus)

    nouvelles = sum(len(depots[rang].destinataires) for rang in perdus)
    scene.partenaires.wait_for(sum(recues.values()) + nouvelles)
    eventually(lambda: not _waiting(ailleurs), "des distributions attendent")
    for code in CODES:
        toutes = scene.partenaires.receptions(code)
        # A partner knows by its identifier what comes again; what is new has a number of its own.
        assert len({reception.sequence for reception in toutes}) == len(toutes), code
        assert all(r.sequence > derniers[code] for r in toutes[recues[code] :])
    revenues = {
        identifiant
        for endpoint in scene.partenaires.endpoints.values()
        for identifiant, fois in endpoint.deliveries.items()
        if fois > 1
    }
    assert revenues <= en_attente, "acquittée avant la sauvegarde, et renvoyée"
    _check_sequences(ailleurs)
    report = json.loads(call("--instance", ailleurs, "registre", "verifier", "--json"))
    assert report["intact"]
    assert report["entrees"] == len(depots) + 1, "les demandes, et la reprise"
    assert scene.serveur.end(signal.SIGTERM) == 0


def _acknowledged(dossier: Path) -> set[str]:
    return _column(dossier, "SELECT id::text FROM distribution WHERE etat = 'acquittee'")


def _waiting(dossier: Path) -> set[str]:
    return _column(dossier, "SELECT id::text FROM distribution WHERE etat = 'en_attente'")


def _numbers(dossier: Path) -> set[str]:
    return _column(dossier, "SELECT numero FROM demande")


def _column(dossier: Path, query: str) -> set[str]:
    with open_instance(dossier).database() as engine, engine.connect() as conn:
        return set(conn.scalars(text(query)))


def _check_sequences(dossier: Path) -> None:
    """The sequences of each guichet are 1, 2, 3… up to its counter; the journal tells the restoration."""
    gaps = """
        SELECT c.guichet FROM compteur_distribution c LEFT JOIN distribution d ON d.guichet = c.guichet
        GROUP BY c.guichet, c.dernier
        HAVING c.dernier <> count(*) OR c.dernier <> coalesce(max(d.sequence), 0)
    """
    assert _column(dossier, gaps) == set()
    assert len(_column(dossier, f"SELECT sequence FROM journal WHERE nature = '{NATURE}'")) == 1

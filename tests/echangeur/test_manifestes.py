"""`echangeur registre taches manifestes` and `echangeur distribution manifeste`."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from certs.signature import ContenuVerifie, verify_signature
from filters.language import Filtre
from registry.clock import FixedClock
from schemas.manifeste import Manifeste, read_manifeste
from tests.dispatching.scene import Scene
from tests.echangeur.conftest import Commande


@pytest.fixture
def prouve(instance: Commande, engine: Engine, horloge: FixedClock) -> Commande:
    """An instance where two distributions were made on the 1st of July, and whose night has passed."""
    scene = Scene(engine, horloge)
    auteur = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    scene.register([scene.recue(auteur), scene.recue(auteur)])
    horloge.set(datetime(2026, 7, 3, 1, tzinfo=UTC))
    essai = instance("registre", "taches", "manifestes", "--essai", "--json")
    assert essai.json == {"essai": True, "manifestes": 2, "manifestes_postes": 0}, essai.erreur
    for attendus in (2, 0):
        fait = instance("registre", "taches", "manifestes", "--json")
        assert fait.json == {"essai": False, "manifestes": attendus, "manifestes_postes": 0}, fait.erreur
    return instance


def test_they_are_made_shown_written_and_verified(prouve: Commande, tmp_path: Path) -> None:
    """[DST-63] [DST-64] Signed with the key that signs the mail of the instance."""
    (premier, second) = prouve("distribution", "manifeste", "G0002", "--json").json
    assert (premier["jour"], premier["nombre"], second["nombre"]) == ("2026-07-01", 2, 0)
    fichier = tmp_path / "m.p7m"
    shown = prouve("distribution", "manifeste", "G0002", "2026-07-01", "--verifier", "--sortie", fichier)
    assert shown.code == 0, shown.erreur
    assert "1 manifeste(s) intact(s), 2 distribution(s) relues." in shown.sortie
    verified = verify_signature(fichier.read_bytes())
    assert isinstance(verified, ContenuVerifie)
    assert verified.signataire.empreinte in shown.sortie
    lu = read_manifeste(verified.octets)
    assert isinstance(lu, Manifeste)
    assert (lu.guichet, lu.nombre) == ("G0002", 2)
    assert "2 manifeste(s) intact(s)" in prouve("distribution", "manifeste", "G0002", "--verifier").sortie


def test_what_changed_since_is_a_negative_finding(prouve: Commande, engine: Engine) -> None:
    """[DST-64]"""
    with engine.begin() as conn:
        conn.execute(text("DELETE FROM distribution WHERE sequence = 1"))
    found = prouve("distribution", "manifeste", "G0002", "--verifier", "--json")
    assert found.code == 1
    assert [len(each["ecarts"]) > 0 for each in found.json] == [True, False]
    told = prouve("distribution", "manifeste", "G0002", "2026-07-01", "--verifier")
    assert "01/07/2026 : distribution 1 : elle n'est pas dans le registre" in told.sortie


def test_a_gap_is_told_by_the_task(prouve: Commande, engine: Engine, horloge: FixedClock) -> None:
    """[DST-62]"""
    with engine.begin() as conn:
        conn.execute(text("UPDATE compteur_distribution SET dernier = 5"))
    horloge.advance(timedelta(days=1))
    fait = prouve("registre", "taches", "manifestes")
    assert "Guichet G0002 : les numéros d'ordre du 03/07/2026 ne se suivent pas" in fait.erreur
    assert "0 manifeste(s)" in fait.sortie


def test_without_a_key_that_signs_the_other_tasks_are_done(
    instance: Commande, dossier: Path, engine: Engine
) -> None:
    """[DST-63] What cannot be signed is told; nobody waits for it."""
    shutil.rmtree(dossier / "courrier" / "signature")
    fait = instance("registre", "taches", "manifestes", "radiations", "--json")
    assert (fait.code, fait.json["manifestes"], fait.json["radiations"]) == (0, 0, 0)
    assert "Aucun manifeste ne peut être signé." in fait.erreur


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("G0002", "2026-06-30"), 1, "n'a pas de manifeste du 30/06/2026"),
        (("G9999",), 1, "G9999"),
        (("G0002", "--sortie", "x"), 2, "Donnez un jour"),
        (("G0002", "hier"), 2, "hier"),
    ],
)
def test_what_cannot_be_shown(prouve: Commande, words: tuple[str, ...], code: int, expected: str) -> None:
    found = prouve("distribution", "manifeste", *words)
    assert (found.code, expected in found.erreur) == (code, True), found.erreur

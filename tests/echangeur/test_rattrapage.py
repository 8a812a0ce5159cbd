"""`echangeur distribution rattrapage`, on a real demande."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from echangeur.commandes import rattrapage
from registry.clock import FixedClock
from tests.echangeur.conftest import Commande
from tests.echangeur.test_suivi import numero

__all__ = ["numero"]


@pytest.fixture(autouse=True)
def _clock_goes_on(monkeypatch: pytest.MonkeyPatch, horloge: FixedClock) -> None:
    monkeypatch.setattr(rattrapage, "pause_for", lambda seconds: horloge.advance(timedelta(seconds=seconds)))


def test_asked_followed_and_done(instance: Commande, numero: str) -> None:
    """[DST-100] [DST-104]"""
    instance("filtre", "ajouter", "G1400", "--nom", "Paris", "--commune", "75056")
    essai = instance("distribution", "rattrapage", "lancer", "G1400", "--essai", "--json").json
    assert essai == {"guichet": "G1400", "offertes": 1, "essai": True}
    assert (
        "1 demande(s) seraient offertes"
        in instance("distribution", "rattrapage", "lancer", "G1400", "--essai").sortie
    )
    lance = instance("distribution", "rattrapage", "lancer", "G1400", "--debit", "60", "--json").json
    assert (lance["debit"], lance["attente"], lance["total"], lance["etat"]) == (60, 10_000, 1, "en_cours")
    assert (
        "lancé : 1 demande(s) à examiner" in instance("distribution", "rattrapage", "lancer", "G1226").sortie
    )
    fait = instance("distribution", "rattrapage", "faire")
    assert fait.code == 0, fait.erreur
    assert "Rattrapage de G1400 terminé : 1 demande(s) offerte(s)." in fait.sortie
    # It has received the demande by its event.
    assert "Rattrapage de G1226 terminé : 0 demande(s) offerte(s)." in fait.sortie
    suivi = instance("distribution", "rattrapage", "suivre", "G1400", "--json").json
    assert [(each["etat"], each["examinees"], each["offertes"]) for each in suivi] == [("termine", 1, 1)]
    assert "termine" in instance("distribution", "rattrapage", "suivre").sortie
    (recue,) = instance("distribution", "lister", "--guichet", "G1400", "--json").json
    assert (recue["numero"], recue["raison"], recue["sequence"]) == (numero, "rattrapage", 1)
    explique = instance("distribution", "expliquer", numero, "G1400")
    assert explique.sortie.startswith("Reçoit : offerte au guichet avec le stock")


def test_paused_resumed_cancelled(instance: Commande, numero: str) -> None:
    """[DST-104]"""
    assert numero
    instance("filtre", "ajouter", "G1400", "--nom", "Paris", "--commune", "75056")
    instance("distribution", "rattrapage", "lancer", "G1400")
    deja = instance("distribution", "rattrapage", "lancer", "G1400")
    assert (deja.code, "déjà en cours" in deja.erreur) == (1, True)
    assert instance("distribution", "rattrapage", "reprendre", "G1400").code == 1
    assert "suspendu" in instance("distribution", "rattrapage", "suspendre", "G1400").sortie
    assert instance("distribution", "rattrapage", "faire").sortie == ""
    assert "repris" in instance("distribution", "rattrapage", "reprendre", "G1400").sortie
    assert "annulé" in instance("distribution", "rattrapage", "annuler", "G1400").sortie
    assert instance("distribution", "rattrapage", "annuler", "G1400").code == 1
    vide = instance("distribution", "rattrapage", "lancer", "N5900", "--essai")
    assert (vide.code, "aucun filtre" in vide.erreur) == (1, True)


def test_the_configuration_sets_the_pace(instance: Commande, numero: str, dossier: Path) -> None:
    """[DST-103]"""
    assert numero
    fichier = dossier / "echangeur.toml"
    reglee = fichier.read_text().replace("rattrapage_debit = 600", "rattrapage_debit = 30")
    fichier.write_text(
        reglee.replace("rattrapage_attente_retrait = 10000", "rattrapage_attente_retrait = 50")
    )
    lance = instance("distribution", "rattrapage", "lancer", "G1226", "--json").json
    assert (lance["debit"], lance["attente"]) == (30, 50)

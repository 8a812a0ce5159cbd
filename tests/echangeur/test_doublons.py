"""`echangeur doublons`: what the gestionnaire does about demandes that look alike."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select

from registry.tables_recherche import RECHERCHE
from tests.echangeur.conftest import Commande
from tests.registry.fabrique import AUTRE_BAILLEUR
from tests.registry.test_fusion import document, registered


@pytest.fixture
def deux(engine: Engine, dossier: object) -> tuple[str, str]:
    """The same person twice, day and month exchanged; the first is the older."""
    ancienne = registered(engine, document("a", depot="2026-05-01"))
    inverse = document("b", ("Martin", "Catherine", "1980-11-03"), guichet="G1226")
    return ancienne, registered(engine, inverse, AUTRE_BAILLEUR)


def test_find_list_and_merge(instance: Commande, deux: tuple[str, str], engine: Engine) -> None:
    """[DBL-6] [DBL-8] [TRA-4] With reasons in French; a trial writes nothing; the search knows of it."""
    ancienne, recente = deux
    (trouve,) = instance("doublons", "chercher", recente, "--json").json
    assert (trouve["numero"], trouve["score"]) == (ancienne, 90)
    assert trouve["texte"] == "mêmes nom et prénom ; jour et mois de naissance inversés"
    assert "inversés" in instance("doublons", "lister", "--territoire", "111").sortie
    (trace,) = instance("registre", "lectures", recente, "--limite", "1", "--json").json
    assert (trace["operation"], trace["numeros"]) == ("echangeur doublons lister", [ancienne, recente])
    options = ("--conserver", ancienne, "--radier", recente, "--auteur", "DDT", "--motif", "même personne")
    assert "serait radiée" in instance("doublons", "fusionner", *options, "--essai").sortie
    assert instance("doublons", "chercher", ancienne, "--json").json != []
    wrong = ("--conserver", recente, "--radier", ancienne, *options[4:])
    refusal = instance("doublons", "fusionner", *wrong)
    assert refusal.code == 1
    assert "la plus ancienne" in refusal.erreur
    assert instance("doublons", "fusionner", *options, "--json").json["conservee"] == ancienne
    assert instance("doublons", "chercher", ancienne, "--json").json == []
    with engine.connect() as conn:
        radiation = select(RECHERCHE.c.radiation).where(RECHERCHE.c.numero == recente)
        assert conn.execute(radiation).scalar_one() is not None


def test_set_aside(instance: Commande, deux: tuple[str, str]) -> None:
    """[DBL-7]"""
    assert instance("doublons", "ecarter", *deux, "--auteur", "DDT", "--motif", "jumelles").code == 0
    assert instance("doublons", "lister", "--territoire", "111", "--json").json == []
    wrong = instance("doublons", "ecarter", deux[0], "1" * 18, "--auteur", "DDT", "--motif", "x")
    assert wrong.code == 1
    assert instance("doublons", "chercher", "1" * 18).code == 1

"""`echangeur partagee`: what the gestionnaire brings to shared management."""

from __future__ import annotations

from pathlib import Path

from tests.echangeur.conftest import Commande
from tests.registry.test_evenements_store import TYPE_LOCAL
from tests.registry.test_gestion_partagee import document


def test_types_of_a_territory_are_brought(instance: Commande, tmp_path: Path) -> None:
    """[GPE-7] Twice gives the same."""
    fichier = tmp_path / "types.xml"
    fichier.write_bytes(document(TYPE_LOCAL.format("111")))
    for _ in range(2):
        assert instance("partagee", "types", fichier, "--json").json == [
            {"territoire": "111", "code": "LOCAL1"}
        ]
    assert "1 type(s) apporté(s)." in instance("partagee", "types", fichier).sortie


def test_types_that_cannot_be_brought(instance: Commande, tmp_path: Path) -> None:
    """[GPE-7] All or nothing, and why."""
    fichier = tmp_path / "types.xml"
    local = TYPE_LOCAL.format("111")
    for corps, constat in (
        (local.replace("<codeTerritoire>111</codeTerritoire>", ""), "ne dit pas son territoire"),
        (local.replace("LOCAL1", "DESIGN"), "celui d'un type national"),
        (local.replace(">TXT<", ">XYZ<"), "format de champ inconnu"),
        ("<operation/>", "n'est pas un document de types d'événements"),
    ):
        fichier.write_bytes(document(corps))
        refus = instance("partagee", "types", fichier)
        assert refus.code != 0
        assert constat in refus.erreur
    assert instance("partagee", "types", tmp_path / "absent.xml").code == 2


def test_delays_and_index_of_an_empty_register(instance: Commande) -> None:
    """[GPE-33]"""
    assert instance("partagee", "delais", "--json").json == {"demandes": 0, "essai": False}
    assert "0 demande(s) à recalculer." in instance("partagee", "delais", "--essai").sortie
    assert instance("partagee", "index", "--json").json == {"demandes": 0}
    assert "0 demande(s) indexée(s)." in instance("partagee", "index").sortie

"""`echangeur piece`: categories, the content of a dossier."""

from __future__ import annotations

from tests.echangeur.conftest import Commande


def test_categories_and_an_empty_dossier(instance: Commande) -> None:
    """[PIE-3] [PIE-4] The list shows what is sensitive and what is closed."""
    listed = {each["code"]: each for each in instance("piece", "categories", "--json").json}
    assert listed["MOT04"]["sensible"] is True
    assert listed["IDE90"]["valide_au"] == "2022-04-20"
    assert "fermée" in instance("piece", "categories").sortie
    assert "Aucune pièce" in instance("piece", "lister", "1" * 18).erreur
    assert instance("piece", "lister", "1" * 18, "--json").json == []

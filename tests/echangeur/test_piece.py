"""`echangeur piece`: profiles of certificates, categories, the content of a dossier."""

from __future__ import annotations

from pathlib import Path

from tests.echangeur.conftest import Commande


def test_a_certificate_is_given_a_profile(instance: Commande, guichet: str, tmp_path: Path) -> None:
    """[PIE-6] [PIE-8] By its empreinte, as other tools write it; an unknown one is a finding."""
    assert instance("certificat", "emettre", guichet, "--dossier", tmp_path / "c").code == 0
    (certificat,) = instance("certificat", "lister", "--json").json
    empreinte = certificat["empreinte"].upper()
    given = instance("piece", "profil", empreinte, "numeriseur")
    assert (given.code, "numeriseur" in given.sortie) == (0, True)
    assert instance("piece", "profil", "ab" * 32, "guichet").code == 1
    assert instance("piece", "profil", empreinte, "administrateur").code == 2


def test_categories_and_an_empty_dossier(instance: Commande) -> None:
    """[PIE-3] [PIE-4] The list shows what is sensitive and what is closed."""
    listed = {each["code"]: each for each in instance("piece", "categories", "--json").json}
    assert listed["MOT04"]["sensible"] is True
    assert listed["IDE90"]["valide_au"] == "2022-04-20"
    assert "fermée" in instance("piece", "categories").sortie
    assert "Aucune pièce" in instance("piece", "lister", "1" * 18).erreur
    assert instance("piece", "lister", "1" * 18, "--json").json == []

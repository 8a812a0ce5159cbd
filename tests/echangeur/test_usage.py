"""Wrong usage is said in French, with exit code 2; help works everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.echangeur.conftest import Commande


@pytest.mark.parametrize(
    ("words", "texte"),
    [
        (("guichet", "ajoter"), "Commande inconnue : ajoter. Serait-ce ajouter ?"),
        (("chat",), "Commande inconnue : chat."),
        (("guichet", "montrer"), "Argument manquant : CODE."),
        (("guichet", "ajouter", "G1104", "--nom", "x"), "Option obligatoire absente : --type."),
        (("guichet", "lister", "--jason"), "Option inconnue : --jason. Serait-ce --json ?"),
        (("guichet", "lister", "x"), "Argument en trop : x."),
        (("serve", "--port"), "L'option --port attend une valeur."),
        (("serve", "--port", "abc"), "Valeur incorrecte pour --port"),
        (("schema", "valider", "/absent"), "le fichier n'existe pas"),
        (("echange", "lister", "--statut", "x"), "Valeur incorrecte pour --statut ; admises : "),
    ],
)
def test_mauvais_usage(commande: Commande, words: tuple[str, ...], texte: str) -> None:
    result = commande(*words)
    assert result.code == 2
    assert texte in result.erreur
    assert not result.sortie
    for english in ("Missing", "Invalid", "No such", "Error", "unexpected"):
        assert english not in result.erreur


@pytest.mark.parametrize("words", [(), ("guichet",), ("schema",)])
def test_groupe_sans_commande_montre_son_aide(commande: Commande, words: tuple[str, ...]) -> None:
    result = commande(*words)
    assert result.code == 2
    assert "Commandes" in result.sortie + result.erreur


@pytest.mark.parametrize("option", ["--help", "--aide"])
def test_aide(commande: Commande, option: str) -> None:
    result = commande("guichet", "ajouter", option)
    assert result.code == 0
    assert "Affiche cette aide." in result.sortie
    assert "[obligatoire]" in result.sortie


def test_version(commande: Commande) -> None:
    result = commande("--version")
    assert result.code == 0
    assert result.sortie.startswith("echangeur ")


def test_instance_absente(commande: Commande, tmp_path: Path) -> None:
    result = commande("--instance", tmp_path, "guichet", "lister")
    assert result.code == 2
    assert "Il n'y a pas d'instance" in result.erreur
    assert "echangeur init DOSSIER" in result.erreur


def test_configuration_incorrecte_empeche_tout(commande: Commande, tmp_path: Path) -> None:
    (tmp_path / "echangeur.toml").write_text("[serveur]\nprot = 1\n")
    for words in (("guichet", "lister"), ("serve", "--port", "0")):
        result = commande("--instance", tmp_path, *words)
        assert result.code == 2
        assert "serveur.prot : clé inconnue" in result.erreur


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/rien", "postgresql://[/x", "mysql://a/b"])
def test_base_injoignable(commande: Commande, tmp_path: Path, url: str) -> None:
    result = commande("init", tmp_path / "i", "--base", url)
    assert result.code == 2
    assert "base" in result.erreur
    assert "Traceback" not in result.erreur
    assert "nobody" not in result.erreur
    assert not (tmp_path / "i" / "echangeur.toml").exists()

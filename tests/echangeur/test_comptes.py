"""`echangeur compte`: from an account that opens nothing to one that is closed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from certs.autorite import create_autorite
from registry.clock import FixedClock
from tests.echangeur.conftest import Commande

ZOE = "zoe@exemple.fr"
COMPLET = """emetteur = "https://fi.exemple.fr"
client = "c"
secret = "absent"
[console]
url_publique = "https://c.exemple.fr"
"""


@pytest.fixture
def compte(instance: Commande, guichet: str) -> str:
    result = instance(
        *("compte", "creer", "Zoe@exemple.fr", "--nom", "Zoé", "--profil", "guichet", "--guichet", guichet)
    )
    assert result.code == 0, result.erreur
    assert "/invitation/" in result.sortie
    return ZOE


def etat(instance: Commande) -> str:
    (found,) = instance("compte", "lister", "--json").json
    assert found["courriel"] == ZOE
    return str(found["etat"])


def test_an_account_is_created_certified_and_closed(
    instance: Commande, compte: str, horloge: FixedClock
) -> None:
    """[CSL-30] [CSL-35]"""
    assert etat(instance) == "a_certifier"
    assert instance("compte", "certifier", compte).code == 0
    assert etat(instance) == "ouvert"
    horloge.advance(timedelta(days=365))
    assert etat(instance) == "a_certifier"
    assert "/invitation/" in instance("compte", "inviter", compte).sortie
    assert instance("compte", "revoquer", compte).code == 0
    assert etat(instance) == "ferme"
    for words in (("certifier",), ("inviter",), ("revoquer",)):
        assert instance("compte", *words, compte).code == 1
    assert "fermé" in instance("compte", "lister").sortie or "ferme" in instance("compte", "lister").sortie


@pytest.mark.parametrize(
    ("words", "texte"),
    [
        (("--profil", "guichet"), "guichet ouvert"),
        (("--profil", "gestionnaire"), "territoire"),
        (("--profil", "gestionnaire", "--territoire", "999"), "999"),
        (("--profil", "auditeur", "--habilite"), "exploitant"),
        (("--profil", "auditeur", "--territoire", "059"), "territoire"),
    ],
)
def test_a_profile_needs_its_place(instance: Commande, words: tuple[str, ...], texte: str) -> None:
    """[CSL-30]"""
    result = instance("compte", "creer", ZOE, "--nom", "Zoé", *words)
    assert (result.code, texte in result.erreur) == (1, True)


def test_an_operator_is_entitled_apart(instance: Commande) -> None:
    """[CSL-4]"""
    assert instance("compte", "creer", ZOE, "--nom", "Zoé", "--profil", "exploitant", "--certifie").code == 0
    assert instance("compte", "habiliter", ZOE).code == 0
    assert instance("compte", "lister", "--json").json[0]["habilite"] is True
    assert instance("compte", "habiliter", ZOE, "--retirer").code == 0
    assert instance("compte", "lister", "--json").json[0]["habilite"] is False


def test_only_an_operator_is_entitled_apart(instance: Commande, compte: str) -> None:
    """[CSL-4]"""
    assert instance("compte", "habiliter", compte).code == 1


def test_a_certificate_is_tied_once(
    instance: Commande, compte: str, horloge: FixedClock, tmp_path: Path
) -> None:
    """[CSL-34]"""
    create_autorite(now=horloge.now()).issue_guichet("AGENT", now=horloge.now()).write(tmp_path)
    assert instance("compte", "certificat", compte, tmp_path / "cert.pem").code == 0
    result = instance("compte", "certificat", compte, tmp_path / "cert.pem")
    assert (result.code, "déjà" in result.erreur) == (1, True)
    (tmp_path / "rien.pem").write_text("rien")
    assert instance("compte", "certificat", compte, tmp_path / "rien.pem").code == 1


def test_an_identity_is_untied(instance: Commande, compte: str) -> None:
    """[CSL-43] By whoever operates the hub; a closed account has nothing to untie."""
    assert "délié" in instance("compte", "delier", compte).sortie
    assert instance("compte", "revoquer", compte).code == 0
    assert instance("compte", "delier", compte).code == 1


@pytest.mark.parametrize(
    ("texte", "dit"),
    [
        ('emetteur = "https://fi.exemple.fr"', "oidc.client, oidc.secret, console.url_publique"),
        ('emetteur = "http://fi.exemple.fr"', "oidc.emetteur"),
        (COMPLET, "absent ne se lit pas"),
    ],
)
def test_a_provider_half_configured_stops_the_console(
    instance: Commande, dossier: Path, texte: str, dit: str
) -> None:
    """[CSL-42] With all that is missing, before anything is served."""
    fichier = dossier / "echangeur.toml"
    base = next(line for line in fichier.read_text().splitlines() if line.startswith("url = "))
    fichier.write_text(f"[base]\n{base}\n[oidc]\n{texte}\n")
    result = instance("serve", "--role", "console")
    assert result.code != 0
    assert dit in result.erreur


def test_the_key_that_seals_second_factors_changes(instance: Commande, compte: str, dossier: Path) -> None:
    """[CSL-40] Added, everything sealed again, the former forgotten; with the wrong file, nothing is done and
    the console does not start."""
    fichier = dossier / "console" / "scellement.cles"
    former = fichier.read_text()
    assert len(former.split()) == 1
    assert "Scellés de nouveau : 0" in instance("compte", "sceller").sortie
    result = instance("compte", "sceller", "--nouvelle-cle")
    assert (result.code, "Scellés de nouveau : 1" in result.sortie) == (0, True)
    assert "Clés qui ne scellent plus rien" in result.sortie
    assert len(fichier.read_text().split()) == 2
    assert "Clés retirées" in instance("compte", "sceller", "--oublier").sortie
    current = fichier.read_text()
    assert len(current.split()) == 1
    assert current != former
    assert instance("compte", "inviter", compte).code == 0
    for wrong in (former, None):
        fichier.unlink()
        if wrong is not None:
            fichier.write_text(wrong)
        for words in (("compte", "inviter", compte), ("compte", "sceller"), ("serve", "--role", "console")):
            result = instance(*words)
            assert result.code != 0, words
            assert "Copiez celui d'une machine" in result.erreur
            assert "--cles-perdues" in result.erreur
            assert not [cle for cle in (former, current) if cle.strip() in result.erreur]
    # Lost for good: what it sealed is erased, another is made, and the holder is invited again.
    result = instance("compte", "sceller", "--cles-perdues")
    assert (result.code, "Effacés : 1" in result.sortie) == (0, True), result.erreur
    assert fichier.read_text() not in (former, current)
    assert "Effacés : 0" in instance("compte", "sceller", "--cles-perdues").sortie
    assert instance("compte", "inviter", compte).code == 0

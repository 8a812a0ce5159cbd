"""The configuration file: strict, French, and the same as its documentation."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from echangeur.config import (
    Base,
    Configuration,
    ConfigurationIncorrecte,
    files_named,
    load_configuration,
    render,
    settings_of,
)


def load(tmp_path: Path, text: str | bytes) -> Configuration:
    path = tmp_path / "echangeur.toml"
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return load_configuration(path)


def test_fichier_engendre_se_relit(tmp_path: Path) -> None:
    configuration = Configuration(base=Base(url="postgresql://a@b/c", connexions=3))
    assert load(tmp_path, render(configuration)) == configuration


def test_fichier_vide_prend_les_defauts(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Configuration()


@pytest.mark.parametrize(
    ("text", "faute", "constat"),
    [
        ("[serveur]\nprot = 1\n", "serveur.prot", "clé inconnue"),
        ("[serveurs]\n", "serveurs", "clé inconnue"),
        ("[serveur]\nport = 'a'\n", "serveur.port", "attendu : un nombre entier"),
        ("[serveur]\nport = -1\n", "serveur.port", "trop petite (au moins 0)"),
        ("[serveur]\nport = 70000\n", "serveur.port", "trop grande (au plus 65535)"),
        ("[serveur]\nadresse = ''\n", "serveur.adresse", "vide"),
        ("serveur = 3\n", "serveur", "attendu : une section"),
        ("[base]\nurl = 'mysql://a'\n", "base.url", "forme attendue"),
        ("[distribution]\nactive = 'oui'\n", "distribution.active", "attendu : true ou false"),
        ("[serveur\n", "", "pas du TOML (ligne 1"),
        (b"\xff", "", "UTF-8"),
    ],
)
def test_faute_est_dite_en_francais(tmp_path: Path, text: str, faute: str, constat: str) -> None:
    with pytest.raises(ConfigurationIncorrecte) as found:
        load(tmp_path, text)
    assert [item.cle for item in found.value.fautes] == [faute]
    assert constat in str(found.value)


def test_toutes_les_cles_inconnues_sont_dites_ensemble(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationIncorrecte) as found:
        load(tmp_path, "[serveur]\nprot = 1\n[base]\nurll = ''\n[autre]\n")
    assert {item.cle for item in found.value.fautes} == {"serveur.prot", "base.urll", "autre"}


def test_fichier_absent(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationIncorrecte, match="n'existe pas"):
        load_configuration(tmp_path / "absent.toml")


def test_chaque_fichier_nomme_est_marque() -> None:
    """[EXP-20] What a backup looks for: every setting that says that it is a file, and no other."""
    sections, dits = {}, set()
    for section in msgspec.structs.fields(Configuration):
        values = {}
        for nom, description, _ in settings_of(section.type):
            if re.search(r"PEM|^Fichier|^Clés", description):
                values[nom] = f"{section.name}.{nom}"
                dits.add(values[nom])
        sections[section.name] = section.type(**values)
    assert len(dits) == 16
    assert sorted(files_named(Configuration(**sections))) == sorted(dits)

"""`echangeur rpls`, called as its user calls it (docs/specification/41-rpls.md)."""

from __future__ import annotations

from pathlib import Path

from tests.echangeur.conftest import Commande
from tests.registry.rpls import fichier, ligne


def write(tmp_path: Path, *lignes: dict[str, str]) -> Path:
    chemin = tmp_path / "rpls.csv"
    chemin.write_text(fichier(lignes), encoding="utf-8")
    return chemin


def test_import_then_import_again(instance: Commande, tmp_path: Path) -> None:
    """[RPL-3] [RPL-4] a trial writes nothing; the same file twice changes nothing."""
    chemin = write(tmp_path, ligne())
    essai = instance("rpls", "importer", chemin, "--essai")
    assert (essai.code, "1 logement(s) nouveau(x)" in essai.sortie) == (0, True)
    first = instance("rpls", "importer", chemin, "--json").json
    assert (first["nouveaux"], first["inchanges"]) == (1, 0)
    second = instance("rpls", "importer", chemin, "--json").json
    assert (second["nouveaux"], second["inchanges"]) == (0, 1)


def test_wrong_lines_are_told_and_kept_in_a_file(instance: Commande, tmp_path: Path) -> None:
    """[RPL-2]"""
    rejets = tmp_path / "rejets.csv"
    result = instance("rpls", "importer", write(tmp_path, ligne(pieces=""), ligne()), "--rejets", rejets)
    assert result.code == 1
    assert "ligne 2 : pieces" in result.erreur
    assert rejets.read_text(encoding="utf-8").splitlines()[1].startswith("2;pieces")


def test_files_that_cannot_be_read(instance: Commande, tmp_path: Path) -> None:
    """[RPL-3] told in French, and nothing is imported."""
    latin = tmp_path / "latin.csv"
    latin.write_bytes(fichier([ligne(voie="allée")]).encode("latin-1"))
    for words in ((tmp_path / "rien.csv",), (latin,), (latin, "--encodage", "klingon")):
        assert instance("rpls", "importer", *words).code == 2
    assert instance("rpls", "importer", latin, "--encodage", "latin-1").code == 0


def test_export(instance: Commande, tmp_path: Path) -> None:
    """[RPL-9] [RPL-10] titles even when there is nothing; days are checked."""
    sortie = tmp_path / "attributions.csv"
    result = instance("rpls", "exporter", sortie, "--depuis", "2026-01-01", "--json")
    assert result.json == {"fichier": str(sortie), "attributions": 0}
    assert sortie.read_text(encoding="utf-8").startswith("numero_rpls;siren_bailleur;date_bail")
    assert instance("rpls", "exporter", sortie, "--depuis", "hier").code == 2

"""`echangeur reference importer`: the tables that the attestation cites."""

from __future__ import annotations

from pathlib import Path

from tests.echangeur.conftest import Commande

BAILLEURS = (
    "commune;siren;nom\n"
    "75101;552046484;Habitat\n"
    "75101;552046484;Habitat encore\n"
    "99999;552046484;Ailleurs\n"
    "75102;55;Court\n"
    "75103;552046484;\n"
    '93066;552046484;"Habitat ; Plaine"\n'
)


def test_wrong_lines_are_said_and_left_out(instance: Commande, tmp_path: Path) -> None:
    """[ATT-12] By number, with what is wrong; the others are imported; twice gives the same."""
    fichier = tmp_path / "b.csv"
    fichier.write_text(BAILLEURS, encoding="utf-8-sig")
    essai = instance("reference", "importer", "bailleurs", fichier, "--essai", "--json")
    assert (essai.json["importees"], essai.json["remplacees"]) == (2, 0)
    first = instance("reference", "importer", "bailleurs", fichier)
    assert first.code == 1
    assert "2 ligne(s) importée(s), à la place de 0." in first.sortie
    for text in ("ligne 3 : déjà", "ligne 4 : la commune", "ligne 5 : le SIREN", "ligne 6 : le nom"):
        assert text in first.erreur
    again = instance("reference", "importer", "bailleurs", fichier, "--json")
    assert (again.json["importees"], again.json["remplacees"]) == (2, 2)


def test_delays_commissions_and_addresses(instance: Commande, guichet: str, tmp_path: Path) -> None:
    """[ATT-12] [ATT-7] A zone must be in its territory; an address is for a guichet that exists."""
    delais = tmp_path / "d.csv"
    delais.write_text(
        "territoire;zone;typologie;valide_du;mois\n"
        "111;;;2024-01-01;72\n"
        "044;244400404;T2;2024-01-01;36\n"
        "044;44;;2024-01-01;24\n"
        "111;44109;;2024-01-01;24\n"
        "111;;T9;2024-01-01;24\n"
        "111;;T1;01/01/2024;24\n"
        "111;;T1;2024-01-01;0\n"
        "999;;;2024-01-01;24\n",
        encoding="utf-8",
    )
    result = instance("reference", "importer", "delais", delais, "--json")
    assert (result.json["importees"], result.json["nombre_fautes"]) == (3, 5)
    commissions = tmp_path / "c.csv"
    commissions.write_text("departement;nom;adresse\n75;Commission;5 rue Leblanc|75015 Paris\n0;x;y\n")
    assert instance("reference", "importer", "commissions", commissions, "--json").json["importees"] == 1
    coordonnees = tmp_path / "g.csv"
    coordonnees.write_text(f"guichet;adresse;telephone;mel\n{guichet};1 rue|75001 Paris;01;\nG9999;x;;\n")
    found = instance("reference", "importer", "coordonnees", coordonnees)
    assert "ligne 3 : le guichet « G9999 » n'existe pas" in found.erreur


def test_a_file_of_another_table_changes_nothing(instance: Commande, tmp_path: Path) -> None:
    """[ATT-12] Usage error, code 2."""
    fichier = tmp_path / "x.csv"
    for content in (b"a;b\n1;2\n", b"", b"\xff\xfe", b'commune;siren;nom\n"75101;1'):
        fichier.write_bytes(content)
        assert instance("reference", "importer", "bailleurs", fichier).code == 2
    assert instance("reference", "importer", "bailleurs", tmp_path / "absent.csv").code == 2

"""`echangeur conformite`: the kit on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.profil import ProfilIncorrect, read_profil
from echangeur.cli import run

INJOIGNABLE = '[cible]\nnom = "Nulle part"\nadresse = "https://127.0.0.1:1"\nautorites = "ca.pem"\n'


@pytest.fixture
def profil(tmp_path: Path) -> Path:
    """Of a target that does not answer, with a certificate of the test authority."""
    assert run(["init", str(tmp_path / "instance")]) == 0
    here = ["--instance", str(tmp_path / "instance")]
    assert (
        run([*here, "guichet", "ajouter", "G1104", "--nom", "A", "--type", "bailleur", "--territoire", "111"])
        == 0
    )
    assert run([*here, "certificat", "emettre", "G1104", "--dossier", str(tmp_path / "g")]) == 0
    text = INJOIGNABLE + '[guichets.emetteur]\ncode = "G1104"\ncertificat = "g/cert.pem"\ncle = "g/key.pem"\n'
    (tmp_path / "ca.pem").write_bytes((tmp_path / "g" / "ca.pem").read_bytes())
    (tmp_path / "profil.toml").write_text(text, encoding="utf-8")
    return tmp_path / "profil.toml"


def test_the_model_is_a_profile(tmp_path: Path) -> None:
    sortie = tmp_path / "profil.toml"
    assert run(["conformite", "modele", "--sortie", str(sortie)]) == 0
    profil, _ = read_profil(sortie)
    assert profil.guichets["emetteur"].code == "G1104"
    assert run(["conformite", "modele", "--sortie", str(sortie)]) == 2


@pytest.mark.parametrize("line", ["inconnu = 1", 'capacites = ["lire dans les pensées"]', "delai = 0"])
def test_a_profile_that_cannot_be_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "p.toml").write_text(f'[cible]\nnom = "x"\n{line}\n')
    with pytest.raises(ProfilIncorrect):
        read_profil(tmp_path / "p.toml")
    assert run(["conformite", "lancer", str(tmp_path / "p.toml")]) == 2


def test_the_assertions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conformite", "lister", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed[0]["id"] == "S0101"
    assert listed[0]["clauses"] == ["SOA-1"]
    assert run(["conformite", "lister"]) == 0


def test_a_campaign_writes_its_report_which_is_verified(
    profil: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dossier = tmp_path / "rapports"
    words = ["conformite", "lancer", str(profil), "--seulement", "01", "--dossier", str(dossier)]
    assert run(words) == 1
    assert "Non conforme" in capsys.readouterr().out
    assert {each.name for each in dossier.glob("rapport.*")} == {
        *("rapport.json", "rapport.xml", "rapport.html", "rapport.p7m"),
    }
    signed, signer = str(dossier / "rapport.p7m"), str(dossier / "signature" / "cert.pem")
    assert run(["conformite", "verifier", signed, "--signataire", signer]) == 0
    assert run(["conformite", "verifier", signed, "--signataire", str(tmp_path / "g" / "cert.pem")]) == 1
    before = json.loads((dossier / "rapport.json").read_text())
    assert run([*words, "--reprendre"]) == 1
    after = json.loads((dossier / "rapport.json").read_text())
    assert (after["graine"], after["resultats"]) == (before["graine"], before["resultats"])


def test_what_does_not_exist_cannot_be_run(profil: Path) -> None:
    assert run(["conformite", "lancer", str(profil), "--seulement", "S9999"]) == 2

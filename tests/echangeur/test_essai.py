"""`echangeur filtre essayer`, as its user calls it, on a real registry."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from dispatching.decision import Distributeur
from registry.clock import FixedClock
from registry.exchanges_store import record_receptions
from registry.guichets_store import get_guichet
from registry.registration import Enregistrement, register
from tests.echangeur.conftest import Commande
from tests.registry.fabrique import generate, recue_of

PARIS, MONTREUIL = "75056", "93048"


@pytest.fixture
def numeros(instance: Commande, guichet: str, engine: Engine, horloge: FixedClock) -> list[str]:
    """Six demandes of G1104: three for a T2 and three for a T3, two of each in Paris; G1226 receives the T2
    of Paris."""
    instance("guichet", "ajouter", "G1226", "--nom", "Autre", "--type", "bailleur", "--territoire", "111")
    instance("filtre", "ajouter", "G1226", "--nom", "Paris", "--commune", PARIS, "--type-logement", "T2")
    with engine.begin() as conn:
        author = get_guichet(conn, guichet)
    assert author is not None
    recues = [
        recue_of(
            generate(
                f"essai-{rank}", author, communes=[commune], types_logement=[genre],
                le=datetime(2026, 11, 20, tzinfo=UTC).date(),
            ),
            author,
            horloge.now(),
        )
        for rank, (commune, genre) in enumerate(
            (commune, genre) for genre in ("T2", "T3") for commune in (PARIS, PARIS, MONTREUIL)
        )
    ]  # fmt: skip
    with engine.begin() as conn:
        record_receptions(conn, [recue.echange for recue in recues])
    with engine.begin() as conn:
        results = register(conn, recues, decideur=Distributeur(horloge), repondu_le=horloge.now())
    assert all(isinstance(each, Enregistrement) for each in results), results
    return [each.numero for each in results if isinstance(each, Enregistrement)]


@pytest.fixture
def fichier(tmp_path: Path) -> Path:
    path = tmp_path / "filtres.toml"
    path.write_text('[[filtre]]\nnom = "Paris"\ncommunes = ["75056"]\n', encoding="utf-8")
    return path


def test_a_draft_is_tried(
    instance: Commande, numeros: list[str], fichier: Path, dossier: Path, tmp_path: Path
) -> None:
    """[FIL-40] [FIL-41] Against the version in force of the same name; nothing is saved."""
    (essai,) = instance("filtre", "essayer", "G1226", fichier, "--json").json
    assert (essai["stock"], essai["lisibles"], essai["retenues"], essai["nouvelles"]) == (6, 6, 4, 2)
    assert essai["contre"] == {"nom": "Paris", "retenues": 2, "entrantes": 2, "sortantes": 0}
    assert essai["par"]["communes"] == {PARIS: 4}
    assert essai["par"]["types_logement"] == {"T2": 2, "T3": 2}
    assert sum(essai["par_mois_de_depot"].values()) == 4
    told = instance("filtre", "essayer", "G1226", fichier).sortie
    assert "+2 / −0" in told
    assert "75056 (Paris)" in told
    (version,) = instance("filtre", "lister", "G1226", "--json").json
    assert version["version"] == 1
    assert stat.S_IMODE((dossier / "image").stat().st_mode) == 0o700
    autre = tmp_path / "autre.json"
    autre.write_text('{"filtre": [{"nom": "Grands", "types_logement": ["T3"]}]}')
    (essai,) = instance("filtre", "essayer", "G1226", autre, "--json").json
    assert (essai["retenues"], essai["contre"]) == (3, None)
    (essai,) = instance("filtre", "essayer", "G1226", autre, "--contre", "Paris", "--json").json
    assert (essai["contre"]["entrantes"], essai["contre"]["sortantes"]) == (3, 2)
    assert numeros


def test_which_ones_are_listed_and_traced(instance: Commande, numeros: list[str], fichier: Path) -> None:
    """[FIL-41] [TRA-4] A page at a time; what is shown is a reading."""
    entrantes = sorted(numeros[3:5])
    call = ("filtre", "essayer", "G1226", fichier, "--json", "--numeros", "entrantes", "--limite", "1")
    (essai,) = instance(*call).json
    assert essai["numeros"] == entrantes[:1]
    (essai,) = instance(*call, "--apres", entrantes[0]).json
    assert essai["numeros"] == entrantes[1:]
    traces = instance("registre", "lectures", "--json").json
    assert [each["numeros"] for each in traces] == [entrantes[1:], entrantes[:1]]
    assert entrantes[1] in instance("filtre", "essayer", "G1226", fichier, "--numeros", "retenues").sortie
    (essai,) = instance("filtre", "essayer", "G1226", fichier, "--numeros", "sortantes", "--json").json
    assert essai["numeros"] == []


def test_the_past_is_decided_again(
    instance: Commande, numeros: list[str], fichier: Path, dossier: Path, engine: Engine
) -> None:
    """[FIL-44] What was received, and what would have been."""
    (essai,) = instance("filtre", "essayer", "G1226", fichier, "--sur", "12-mois", "--json").json
    passe = essai["passe"]
    assert passe["evenements"] == 6
    assert passe["sans"] == {"premieres": 2, "suites": 0, "sorties": 0, "demandes": 2}
    assert passe["avec"] == {"premieres": 4, "suites": 0, "sorties": 0, "demandes": 4}
    assert (passe["en_plus"], passe["en_moins"]) == (2, 0)
    assert list(passe["par_mois"].values()) == [{"sans": 2, "avec": 4}]
    told = instance("filtre", "essayer", "G1226", fichier, "--sur", "1-mois").sortie
    assert "4 distributions, dont 0 suites et 0 sorties, de 4 demandes" in told
    for faux in ("13-mois", "0-mois", "hier"):
        assert instance("filtre", "essayer", "G1226", fichier, "--sur", faux).code == 2
    assert stat.S_IMODE((dossier / "image-passe").stat().st_mode) == 0o700
    assert numeros


def test_a_draft_is_prepared_tried_and_put_in_force(
    instance: Commande, numeros: list[str], fichier: Path, tmp_path: Path
) -> None:
    """[FIL-45] Written again as one likes, without effect; once in force it is a version, and no draft."""
    assert instance("filtre", "essayer", "G1226").code == 1
    assert instance("filtre", "preparer", "G1226", fichier).code == 0
    autre = tmp_path / "autre.toml"
    autre.write_text('[[filtre]]\nnom = "Grands"\ntypes_logement = ["T4"]\n')
    instance("filtre", "preparer", "G1226", autre)
    autre.write_text('[[filtre]]\nnom = "Grands"\ntypes_logement = ["T3"]\n')
    instance("filtre", "preparer", "G1226", autre)
    found = instance("filtre", "brouillons", "G1226", "--json").json
    assert [(each["nom"], each["conditions"]) for each in found] == [
        ("Grands", {"types_logement": ["T3"]}),
        ("Paris", {"communes": [PARIS]}),
    ]
    assert "Grands" in instance("filtre", "brouillons").sortie
    assert [each["retenues"] for each in instance("filtre", "essayer", "G1226", "--json").json] == [3, 4]
    assert len(instance("filtre", "lister", "G1226", "--json").json) == 1
    assert instance("filtre", "activer", "G1226", "Grands", "--effet", "2000-01-01").code == 1
    assert instance("filtre", "activer", "G1226", "Grands").code == 0
    assert {each["nom"] for each in instance("filtre", "lister", "G1226", "--json").json} == {
        "Grands",
        "Paris",
    }
    assert instance("filtre", "activer", "G1226", "Grands").code == 1
    assert instance("filtre", "ecarter", "G1226", "Paris").code == 0
    assert instance("filtre", "ecarter", "G1226", "Paris").code == 1
    assert instance("filtre", "brouillons", "--json").json == []
    assert instance("filtre", "preparer", "G0000", fichier).code == 1
    assert numeros


def test_what_cannot_be_tried_is_said(
    instance: Commande, numeros: list[str], fichier: Path, tmp_path: Path
) -> None:
    """An unknown guichet, filter or criterion; two filters against one."""
    assert instance("filtre", "essayer", "G0000", fichier).code == 1
    assert (
        "n'a pas de filtre « Nul »"
        in instance("filtre", "essayer", "G1226", fichier, "--contre", "Nul").erreur
    )
    faux = tmp_path / "faux.toml"
    faux.write_text('[[filtre]]\nnom = "A"\ncouleur = ["bleu"]\n')
    assert "couleur" in instance("filtre", "essayer", "G1226", faux).erreur
    deux = tmp_path / "deux.toml"
    deux.write_text('[[filtre]]\nnom = "A"\n[[filtre]]\nnom = "B"\n')
    assert instance("filtre", "essayer", "G1226", deux, "--contre", "Paris").code == 2
    assert len(instance("filtre", "essayer", "G1226", deux, "--json").json) == 2
    assert numeros

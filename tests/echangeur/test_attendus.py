"""`echangeur distribution attendus` and `rapprocher`: what the operator asks of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from dispatching.retraits import Vue, list_readable
from filters.language import Filtre
from registry.clock import FixedClock
from registry.guichets import Guichet
from tests.dispatching.scene import Scene
from tests.dispatching.test_retraits import ECHANGE
from tests.echangeur.conftest import Commande


@dataclass
class Passe:
    """Two demandes went to one guichet, at half past eleven."""

    instance: Commande
    scene: Scene
    guichet: Guichet
    numeros: list[str]


@pytest.fixture
def passe(instance: Commande, engine: Engine, horloge: FixedClock) -> Passe:
    scene = Scene(engine, horloge)
    auteur = scene.guichet("G0001")
    guichet = scene.guichet("G0002", Filtre("Tout"), adresse="")
    numeros = scene.register([scene.recue(auteur), scene.recue(auteur)])
    horloge.advance(timedelta(hours=1))
    return Passe(instance, scene, guichet, numeros)


def test_what_a_guichet_and_a_demande_were_to_receive(passe: Passe) -> None:
    """[DST-80] [DST-81] [DST-84]"""
    avant = passe.instance("distribution", "attendus", "G0002", "--au", "2026-07-01T11:29:59")
    assert (avant.code, "Rien n'était attendu." in avant.erreur) == (0, True)
    found = passe.instance("distribution", "attendus", "G0002", "--json")
    assert [(each["numero"], each["rompu"]) for each in found.json["attendus"]] == [
        (numero, False) for numero in passe.numeros
    ]
    assert found.json["changement"] is None
    shown = passe.instance("distribution", "attendus", passe.numeros[0], "--au", "2026-07-01T11:30:00")
    assert shown.code == 0, shown.erreur
    assert "filtre « Tout », version 1" in shown.sortie
    assert "pas encore acquittée : ni envoyée, ni lue par le guichet" in shown.sortie
    assert "Un changement serait allé à : G0001, G0002." in shown.sortie
    (trace, *_) = passe.instance("registre", "lectures", passe.numeros[0], "--json").json
    assert trace["operation"].endswith("distribution attendus")


def test_a_guichet_whole_leaves_a_trace_of_what_was_asked(passe: Passe) -> None:
    """[TRA-7] [DST-85] Who, what guichet, what instant, how many demandes; even of none."""
    words = ("distribution", "attendus", "G0002", "--au", "2026-07-01T12:00:00")
    found = passe.instance(*words, "--limite", "1", "--json")
    assert found.json["suite"] is None
    assert passe.instance(*words, "--suite", "demain").code == 2
    passe.instance("distribution", "attendus", "G0002", "--au", "2026-06-30T12:00:00")
    vide, pleine = passe.instance("registre", "lectures", "--limite", "2", "--json").json
    debut = "guichet G0002 au 01/07/2026 à 12:00:00, décisions prises depuis le 30/06/2026 à 12:00:00"
    assert (pleine["objet"], sorted(pleine["numeros"])) == (debut, sorted(passe.numeros))
    assert (vide["objet"][:31], vide["numeros"]) == ("guichet G0002 au 30/06/2026 à 1", [])
    assert pleine["utilisateur"]


def test_what_is_acknowledged_is_left_out_of_the_differences(passe: Passe) -> None:
    """[DST-82] And what is broken is a negative finding."""
    with passe.scene.engine.begin() as conn:
        conn.execute(
            text("UPDATE distribution SET etat = 'acquittee', termine_le = cree_le WHERE sequence = 1")
        )
    words = ("distribution", "attendus", "G0002", "--ecarts", "--json")
    assert [each["numero"] for each in passe.instance(*words).json["attendus"]] == passe.numeros[1:]
    with passe.scene.engine.begin() as conn:
        conn.execute(text("DELETE FROM distribution WHERE sequence = 1"))
    found = passe.instance(*words)
    assert (found.code, [each["rompu"] for each in found.json["attendus"]]) == (1, [True, False])
    assert passe.instance("distribution", "attendus", "G0002", "--limite", "1").code == 1


def test_a_list_is_compared(passe: Passe, tmp_path: Path) -> None:
    """[DST-75]"""
    with passe.scene.engine.begin() as conn:
        lot = list_readable(
            conn, passe.guichet, Vue.TOUTES, apres=0, nombre=9, instant=passe.scene.now, echange=ECHANGE
        )
    empreintes = [item.fichier.empreinte for item in lot.distributions if item.fichier]
    liste = tmp_path / "liste"

    def compare(lignes: str) -> tuple[int, list[str]]:
        liste.write_text(lignes, encoding="utf-8")
        found = passe.instance("distribution", "rapprocher", "G0002", liste)
        return found.code, found.sortie.splitlines()

    complet = "Complet : tout ce qui a été distribué, jusqu'au numéro d'ordre 2."
    assert compare(f"1;{empreintes[0]}\n\n 2;{empreintes[1].upper()}\n") == (0, [complet])
    assert compare("1-2") == (0, [complet])
    assert compare(f"1;{empreintes[1]}\n4-6\n9\n") == (
        1,
        ["manque : 2 (en_attente)", "en trop : 4 à 6", "en trop : 9", "autre fichier : 1"],
    )
    assert compare("")[1] == ["manque : 1 à 2 (en_attente)"]
    liste.write_text("1", encoding="utf-8")
    assert passe.instance("distribution", "rapprocher", "G0002", liste, "--json").json["complet"] is False


@pytest.mark.parametrize("ligne", ["x", "5-4", "1;00", "1;2;3", "-1"])
def test_a_list_that_does_not_read(passe: Passe, tmp_path: Path, ligne: str) -> None:
    """[DST-75] The line is told."""
    liste = tmp_path / "liste"
    liste.write_text(f"1\n{ligne}\n", encoding="utf-8")
    found = passe.instance("distribution", "rapprocher", "G0002", liste)
    assert (found.code, "ligne 2" in found.erreur) == (2, True)

"""The examples that guichets read are filters that the hub accepts, and they mean what the guide says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from filters.language import Filtre
from filters.naive import matches
from filters.reading import read_toml
from filters.traits import Traits, traits_from

GUIDE = Path(__file__).parents[2] / "docs" / "guide-guichet.md"
EXEMPLES = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
LOYER = "Loyer d'au moins 450 euros, ou loyer non précisé"
FILTRES = {filtre.nom: filtre for exemple in EXEMPLES for filtre in read_toml(exemple).filtres}


@pytest.mark.parametrize("exemple", EXEMPLES)
def test_every_example_is_accepted(exemple: str) -> None:
    """[FIL-6]"""
    assert read_toml(exemple).erreurs == ()


@pytest.mark.parametrize(
    ("nom", "demande", "expected"),
    [
        ("Tout ce qui vise Lille", traits_from(["59350"], []), True),
        ("Petits logements de la métropole de Lille", traits_from(["59350"], ["T2", "T4"]), True),
        ("Petits logements de la métropole de Lille", traits_from(["59350"], ["T4"]), False),
        ("Sans les mutations", traits_from(["59350"], [], logement_actuel=frozenset({"LP"})), True),
        ("Sans les mutations", traits_from(["59350"], [], logement_actuel=frozenset({"HLM", "CP"})), False),
        ("Sans les mutations", traits_from(["59350"], []), False),
        (LOYER, traits_from(["69123"], []), True),
        (
            LOYER,
            traits_from(["69123"], [], loyer_max=449),
            False,
        ),
        (LOYER, traits_from(["69123"], [], loyer_max=450), True),
        ("Logements adaptés", traits_from(["69123"], [], handicap=frozenset({"OUI"})), True),
    ],
)
def test_an_example_means_what_the_guide_says(nom: str, demande: Traits, expected: bool) -> None:
    """[FIL-1] [FIL-3] [FIL-4] [FIL-5]"""
    assert matches(FILTRES[nom], demande) is expected


def test_a_filter_without_condition_takes_all() -> None:
    """[FIL-1]"""
    assert matches(Filtre("tout"), traits_from([], []))

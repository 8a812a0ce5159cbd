"""The explanation agrees with the engine, and the change it proposes really flips the answer."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from filters.changes import Cote
from filters.criteria import CRITERE, LIEUX
from filters.explanation import explain
from filters.index import FilterIndex
from filters.language import AnyCondition, Condition, Filtre, Intervalle, filtre
from filters.naive import matches
from filters.traits import traits_from
from tests.filters.samples import random_filtre, random_traits


def test_explanation_equals_engine_and_each_flip_flips() -> None:
    """[FIL-30] [FIL-31] [FIL-32] On 6,000 random pairs; a refused pair always has a change of the filter."""
    rng = random.Random(99)
    flips = {(verdict, cote): 0 for verdict in (True, False) for cote in Cote}
    for _ in range(6_000):
        item, traits = random_filtre(rng, "F"), random_traits(rng)
        found = explain(item, traits)
        assert found.correspond == matches(item, traits) == bool(FilterIndex([(1, item)]).match(traits))
        for constat in found.constats:
            assert constat.satisfaite == matches(Filtre("", (constat.condition,)), traits)
            assert constat.valeur == traits[constat.condition.critere]
            assert constat.texte.startswith(CRITERE[constat.condition.critere].libelle)
        for change in found.changements:
            assert matches(*change.apply(item, traits)) != found.correspond, (item, change.texte)
            assert change.taille
            flips[found.correspond, change.cote] += 1
        if not found.correspond:
            assert Cote.FILTRE in {change.cote for change in found.changements}
    assert flips.pop((True, Cote.FILTRE)) == 0
    assert min(flips.values()) > 400


def test_the_flip_of_the_filter_is_the_smallest() -> None:
    """[FIL-32] Each part concerns a condition that fails: without it the answer is the same."""
    rng = random.Random(3)
    for _ in range(2_000):
        item, traits = random_filtre(rng, "F"), random_traits(rng)
        found = explain(item, traits)
        for change in found.changements:
            if change.cote is Cote.FILTRE:
                for fewer in combinations(change.retouches, len(change.retouches) - 1):
                    assert matches(*type(change)(change.cote, fewer).apply(item, traits)) == found.correspond


def test_the_flip_of_the_demande_is_the_smallest() -> None:
    """[FIL-32] No single wish dropped flips the answer when the explanation says that it takes two."""
    rng = random.Random(5)
    seen = 0
    while seen < 100:
        item, traits = random_filtre(rng, "F"), random_traits(rng)
        found = explain(item, traits)
        if not found.correspond or not found.changements or found.changements[0].taille < 2:
            continue
        seen += 1
        for commune in traits.souhaits:
            assert matches(item, traits.move(traits.souhaits - {commune}))
        for condition in item.conditions:
            valeur = traits[condition.critere]
            if isinstance(valeur, frozenset) and condition.critere not in LIEUX:
                for code in valeur:
                    assert matches(item, traits.change(condition.critere, valeur - {code}))


def test_the_sentence_gives_the_compared_values() -> None:
    """[FIL-30]"""
    found = explain(
        filtre("Lille T2", communes=["59350"], types_logement=["T2"]), traits_from(["59178"], ["T2"])
    )
    assert found.texte == (
        "le filtre « Lille T2 » ne correspond pas : commune souhaitée : la demande a 59178 (Douai), "
        "le filtre veut 59350 (Lille)"
    )
    widened, completed = found.changements
    assert widened.texte == "dans le filtre : ajouter 59178 (Douai) à communes"
    assert completed.texte == "dans la demande : ajouter 59350 (Lille) à communes"


@pytest.mark.parametrize(
    ("condition", "valeur", "texte", "filtre", "demande"),
    [
        (
            Intervalle("loyer_max", 300, 600),
            650,
            "loyer maximal : la demande a 650 euros, le filtre veut de 300 à 600 euros",
            "relever le maximum de loyer_max à 650 euros",
            "dire 600 euros pour loyer_max",
        ),
        (
            Intervalle("loyer_max", 300),
            None,
            "loyer maximal : la demande n'en dit rien, le filtre veut 300 euros au moins",
            "accepter les demandes qui ne disent rien de loyer_max",
            "dire 300 euros pour loyer_max",
        ),
        (
            Intervalle("anciennete", maxi=24, hors=True),
            24,
            "ancienneté : la demande a 24 mois, le filtre veut tout sauf 24 mois au plus",
            "ôter la condition anciennete",
            "dire 25 mois pour anciennete",
        ),
        (
            Condition("motifs", exclues=frozenset({"10"})),
            frozenset({"10", "13"}),
            "motif de la demande : la demande a 10 (Logement trop grand), 13 (Logement trop petit)",
            "ôter 10 (Logement trop grand) de ce que motifs exclut",
            "ôter 10 (Logement trop grand) de motifs",
        ),
        (
            Condition("handicap", frozenset({"OUI"})),
            frozenset({"NON"}),
            "handicap dans le ménage : la demande a NON, le filtre veut OUI",
            "ajouter NON à handicap",
            "dire OUI pour handicap",
        ),
    ],
)
def test_each_kind_of_condition_is_told(
    condition: AnyCondition, valeur: frozenset[str] | int | None, texte: str, filtre: str, demande: str
) -> None:
    """[FIL-30] [FIL-32]"""
    found = explain(Filtre("F", (condition,)), traits_from([], []).change(condition.critere, valeur))
    assert found.constats[0].texte.startswith(texte)
    assert [change.texte for change in found.changements] == [
        f"dans le filtre : {filtre}",
        f"dans la demande : {demande}",
    ]


def test_one_commune_serves_several_conditions() -> None:
    """A commune of the EPCI and of the territory at once: one wish, not two."""
    item = filtre("F", epci=["200093201"], territoires=["059"])
    found = explain(item, traits_from(["62041"], ["T2"]))
    assert found.changements[1].taille == 1


def test_a_filter_without_condition_has_no_flip() -> None:
    found = explain(Filtre("tout"), traits_from([], []))
    assert found.correspond
    assert found.changements == ()
    assert "aucune condition" in found.texte

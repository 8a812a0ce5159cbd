"""The explanation agrees with the engine, and the change it proposes really flips the answer."""

from __future__ import annotations

import random

from filters.explanation import Cote, explain
from filters.language import Filtre, filtre
from filters.naive import matches
from filters.traits import traits_from
from tests.filters.samples import random_filtre, random_traits


def test_explanation_equals_engine_and_each_flip_flips() -> None:
    """On 5,000 random pairs; a refused pair always has a change of the filter."""
    rng = random.Random(99)
    flips = {True: 0, False: 0}
    for _ in range(5_000):
        item, traits = random_filtre(rng, "F"), random_traits(rng)
        found = explain(item, traits)
        assert found.correspond == matches(item, traits)
        for change in found.changements:
            assert matches(*change.apply(item, traits)) != found.correspond
            assert change.texte
            flips[found.correspond] += 1
        if not found.correspond:
            assert Cote.FILTRE in {change.cote for change in found.changements}
    assert min(flips.values()) > 1_000


def test_the_flip_is_the_smallest() -> None:
    """No single removal of a wish flips the answer when the explanation says that it takes two."""
    rng = random.Random(5)
    seen = 0
    while seen < 200:
        item, traits = random_filtre(rng, "F"), random_traits(rng)
        found = explain(item, traits)
        if not found.correspond or not found.changements or found.changements[0].taille < 2:
            continue
        seen += 1
        for commune in traits.communes:
            assert matches(item, traits_from(traits.communes - {commune}, traits.types_logement))
        for code in traits.types_logement:
            assert matches(item, traits_from(traits.communes, traits.types_logement - {code}))


def test_the_sentence_gives_the_compared_values() -> None:
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


def test_one_commune_serves_several_conditions() -> None:
    """A commune of the EPCI and of the territory at once: one wish, not two."""
    item = filtre("F", epci=["200093201"], territoires=["059"])
    found = explain(item, traits_from(["62041"], ["T2"]))
    assert found.changements[1].taille == 1


def test_a_missing_value_is_told() -> None:
    found = explain(filtre("T2", types_logement=["T2"]), traits_from(["59350"], []))
    assert "la demande n'en dit rien, le filtre veut T2" in found.texte
    assert found.changements[0].texte == "dans le filtre : ôter la condition types_logement"


def test_a_filter_without_condition_has_no_flip() -> None:
    found = explain(Filtre("tout"), traits_from([], []))
    assert found.correspond
    assert found.changements == ()
    assert "aucune condition" in found.texte

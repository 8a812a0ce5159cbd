"""The index gives the answers of the naive evaluation."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.criteria import CRITERES
from filters.index import FilterIndex
from filters.language import Filtre, filtre
from filters.naive import matches
from filters.traits import Traits, traits_from
from schemas import cog, territoires
from tests.filters.samples import random_filtre, random_traits


def test_index_equals_naive_on_many_pairs() -> None:
    """[DST-4] 600 filters by 250 demandes: 150,000 pairs, at least a tenth of each answer."""
    rng = random.Random(20260316)
    filtres = [random_filtre(rng, f"F{key}") for key in range(600)]
    index = FilterIndex(enumerate(filtres))
    positive = 0
    for _ in range(250):
        traits = random_traits(rng)
        expected = [key for key, item in enumerate(filtres) if matches(item, traits)]
        assert list(index.match(traits)) == expected
        positive += len(expected)
    assert 15_000 < positive < 135_000


@given(st.integers(0, 2**32), st.integers(1, 40), st.data())
def test_adding_and_removing_leaves_no_trace(seed: int, size: int, data: st.DataObject) -> None:
    """After any additions and removals the index equals one built afresh, sets included."""
    rng = random.Random(seed)
    filtres = {key: random_filtre(rng, f"F{key}") for key in range(size)}
    index = FilterIndex(filtres.items())
    gone = data.draw(st.sets(st.sampled_from(sorted(filtres))))
    for key in gone:
        index.remove(key)
    kept = {key: item for key, item in filtres.items() if key not in gone}
    assert vars(index) == vars(FilterIndex(kept.items()))
    traits = random_traits(rng)
    assert set(index.match(traits)) == {key for key, item in kept.items() if matches(item, traits)}


def test_a_filter_without_condition_takes_everything() -> None:
    """[DST-4]"""
    index = FilterIndex([(7, Filtre("tout"))])
    assert list(index.match(traits_from([], []))) == [7]


def test_a_demande_that_does_not_say_satisfies_no_condition() -> None:
    """[DST-4]"""
    index = FilterIndex([(1, filtre("T2", types_logement=["T2"])), (2, filtre("Nord", territoires=["059"]))])
    assert not index.match(traits_from([], []))


def test_the_answer_belongs_to_the_caller() -> None:
    index = FilterIndex([(7, Filtre("tout"))])
    index.match(traits_from([], [])).clear()
    assert list(index.match(traits_from([], []))) == [7]


def test_a_key_is_taken_once() -> None:
    index = FilterIndex([(1, Filtre("tout"))])
    with pytest.raises(ValueError, match="déjà prise"):
        index.add(1, Filtre("autre"))
    with pytest.raises(KeyError):
        index.remove(2)


def _witness(item: Filtre, without: str = "") -> Traits | None:
    """A demande that satisfies every condition of the filter but `without`; None when there is none."""
    wanted = None
    avoided: frozenset[str] = frozenset()
    types: list[str] = []
    for condition in item.conditions:
        if condition.critere == "types_logement":
            types = [] if without == "types_logement" else [min(condition.valeurs)]
            continue
        resolve = {
            "communes": cog.communes_of_ville,
            "epci": cog.communes_of_epci,
            "territoires": territoires.communes_of_territoire,
        }[condition.critere]
        places = frozenset().union(*(resolve(value) for value in condition.valeurs))
        if condition.critere == without:
            avoided = places
        else:
            wanted = places if wanted is None else wanted & places
    if wanted is None:
        return traits_from([], types)
    left = sorted(wanted - avoided)
    return traits_from(left[:1], types) if left else None


def test_every_filter_has_a_witness_and_one_by_clause() -> None:
    """For every filter one demande that it takes, and one per clause that fails on this clause alone."""
    rng = random.Random(11)
    taken = refused = 0
    for key in range(1_500):
        item = random_filtre(rng, "F")
        index = FilterIndex([(key, item)])
        witness = _witness(item)
        if witness is not None:
            assert key in index.match(witness)
            taken += 1
        for condition in item.conditions:
            near = _witness(item, without=condition.critere)
            if near is None:
                continue
            failed = [
                c.critere
                for c in item.conditions
                if c.valeurs.isdisjoint(next(k for k in CRITERES if k.nom == c.critere).lit(near))
            ]
            assert failed == [condition.critere]
            assert key not in index.match(near)
            refused += 1
    assert taken > 1_000
    assert refused > 1_000

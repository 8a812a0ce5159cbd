"""The index gives the answers of the naive evaluation."""

from __future__ import annotations

import random
from functools import cached_property

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.index import FilterIndex
from filters.language import Filtre, Intervalle, filtre
from filters.naive import matches
from filters.source import Contexte
from filters.traits import traits_from, traits_of
from schemas.demande import Demande
from tests.filters.samples import random_filtre, random_traits
from tests.filters.temoins import failing_on, witness_of
from tests.registry.fabrique import demande_of, generate

LUS_A_LA_DEMANDE = {
    name
    for name, value in vars(Demande).items()
    if isinstance(value, cached_property) and not name.startswith("_")
}


def test_index_equals_naive_on_many_pairs() -> None:
    """[DST-4] [FIL-20] 1,000 filters by 1,000 demandes, all kinds of conditions: a million pairs, enough
    of each answer."""
    rng = random.Random(20260316)
    filtres = [random_filtre(rng, f"F{key}") for key in range(1_000)]
    index = FilterIndex(enumerate(filtres))
    positive = 0
    for _ in range(1_000):
        traits = random_traits(rng)
        expected = [key for key, item in enumerate(filtres) if matches(item, traits)]
        assert list(index.match(traits)) == expected
        positive += len(expected)
    assert 60_000 < positive < 900_000


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
    assert index == FilterIndex(kept.items())
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


@given(st.integers(0, 2**32), st.data())
def test_a_change_is_seen_by_the_next_match(seed: int, data: st.DataObject) -> None:
    """[FIL-21] What was computed for a demande before a change is not used after it."""
    rng = random.Random(seed)
    filtres = {key: random_filtre(rng, f"F{key}") for key in range(20)}
    index = FilterIndex(filtres.items())
    demandes = [random_traits(rng) for _ in range(5)]
    for _ in range(data.draw(st.integers(1, 6))):
        key = rng.randrange(24)
        if key in filtres:
            index.remove(key)
            del filtres[key]
        else:
            filtres[key] = random_filtre(rng, "nouveau")
            index.add(key, filtres[key])
        for traits in demandes:
            assert set(index.match(traits)) == {k for k, item in filtres.items() if matches(item, traits)}


_BOUND = st.integers(0, 6) | st.none()


@given(
    st.lists(
        st.tuples(_BOUND, _BOUND, st.booleans(), st.booleans(), st.integers(0, 3)), min_size=1, max_size=12
    )
)
def test_numbers_between_bounds_that_move(
    changes: list[tuple[int | None, int | None, bool, bool, int]],
) -> None:
    """[FIL-4] [FIL-21] Every number is asked after every change: the bounds known before may no longer do."""
    filtres: dict[int, Filtre] = {}
    index = FilterIndex()
    demandes = [traits_from([], []).change("naissances", n) for n in (None, *range(8))]
    for mini, maxi, hors, absent, key in changes:
        if key in filtres:
            index.remove(key)
            del filtres[key]
        elif (mini, maxi) != (None, None):
            filtres[key] = filtre("F", Intervalle("naissances", mini, maxi, hors, absent))
            index.add(key, filtres[key])
        for traits in demandes:
            assert set(index.match(traits)) == {k for k, item in filtres.items() if matches(item, traits)}


def test_only_the_criteria_in_use_are_read() -> None:
    """[FIL-22] Reading a demande costs: what no filter asks for is left unread."""
    index = FilterIndex([(1, filtre("T2", communes=["59350"], types_logement=["T2"]))])
    assert index.criteres == {"communes", "types_logement"}

    demande = demande_of(generate("lue", territoire="059", communes=["59350"], types_logement=["T2"]))
    assert list(index.match(traits_of(demande, Contexte()))) == [1]
    assert set(vars(demande)) & LUS_A_LA_DEMANDE == {"communes_souhaitees", "localisations", "types_logement"}


def test_every_filter_has_a_witness_and_one_by_clause() -> None:
    """[FIL-20] For every filter one demande that it takes, and one per clause that fails on it alone."""
    rng = random.Random(11)
    taken = refused = clauses = 0
    for key in range(1_500):
        item = random_filtre(rng, "F")
        index = FilterIndex([(key, item)])
        clauses += len(item.conditions)
        witness = witness_of(item)
        if witness is None:
            continue
        assert key in index.match(witness)
        taken += 1
        for condition in item.conditions:
            near = failing_on(item, condition, witness)
            if near is None:
                continue
            failed = [c.critere for c in item.conditions if not matches(Filtre("", (c,)), near)]
            assert failed == [condition.critere]
            assert key not in index.match(near)
            refused += 1
    # The others ask for places that exclude one another, or a place that implies another.
    assert taken > 1_300
    assert refused > 0.8 * clauses

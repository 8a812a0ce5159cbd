"""How much two persons look alike (docs/specification, clauses DBL)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identites import cles_of_personne
from registry.recherche_doublons import initials
from registry.ressemblance import (
    IDENTIQUE,
    SEUIL,
    _compare_names,
    compare,
    describe,
    may_match,
    near_dates,
    swap_day_month,
)


def cle(nom: str, prenom: str, naissance: str) -> str:
    return cles_of_personne(nom, "", prenom, date.fromisoformat(naissance))[0]


MARTIN = cle("Martin", "Catherine", "1980-03-11")


@pytest.mark.parametrize(
    ("autre", "score", "raisons"),
    [
        (cle("MARTIN", "Câthérine", "1980-03-11"), 100, {"memes-noms", "meme-date"}),
        (cle("Catherine", "Martin", "1980-03-11"), 100, {"memes-noms", "meme-date"}),
        (cle("Martin", "Catherine", "1980-11-03"), 90, {"memes-noms", "date-inversee"}),
        (cle("Martin", "Catherine", "1981-03-11"), 80, {"memes-noms", "date-voisine"}),
        (cle("Martin", "Catherine", "1908-03-11"), 80, {"memes-noms", "date-voisine"}),
        (cle("Martin", "Catherine", "1980-03-12"), 80, {"memes-noms", "date-voisine"}),
        (cle("Martin", "Katherine", "1980-03-11"), 85, {"faute", "meme-date"}),
        (cle("Matrin", "Catherine", "1980-03-11"), 85, {"faute", "meme-date"}),
        (cle("Martin-Dupont", "Catherine", "1980-03-11"), 85, {"compose", "meme-date"}),
        (cle("Matrin", "Catherin", "1980-03-11"), 75, {"fautes", "meme-date"}),
        (cle("Martin", "Katherine", "1980-11-03"), 75, {"faute", "date-inversee"}),
        (cle("Martin", "Paul", "1980-03-11"), 55, {"un-nom", "meme-date"}),
    ],
)
def test_score_and_reasons(autre: str, score: int, raisons: set[str]) -> None:
    """[DBL-1] [DBL-3] Each signal, in both directions; the first two are the same identity."""
    found = compare(MARTIN, autre)
    assert (found.score, set(found.raisons)) == (score, raisons)
    assert compare(autre, MARTIN).score == score
    assert describe(found.raisons)


@pytest.mark.parametrize(
    "autre",
    [
        cle("Martin", "Paul", "1980-03-11"),  # a twin
        cle("Durand", "Paul", "1980-03-11"),
        cle("Martin", "Katherine", "1981-03-11"),
        cle("Martin", "Catherine", "1995-07-02"),
    ],
)
def test_what_is_not_worth_showing(autre: str) -> None:
    """[DBL-3] [DBL-4]"""
    assert compare(MARTIN, autre).score < SEUIL


def test_short_names_suffer_no_slip() -> None:
    """[DBL-3] Léa and Léo are twins, not a slip of the pen."""
    assert compare(cle("Roy", "Léa", "2000-01-02"), cle("Roy", "Léo", "2000-01-02")).score < SEUIL


NOMS = st.text(alphabet="abcdeéèç-' ", min_size=1, max_size=14).filter(lambda nom: any(map(str.isalpha, nom)))
DATES = st.dates(date(1900, 1, 1), date(2030, 12, 31))


@given(NOMS, NOMS, DATES, NOMS, NOMS, DATES)
def test_score_is_symmetric_and_full_for_the_same_identity_only(
    a: str, b: str, jour: date, c: str, d: str, autre: date
) -> None:
    """[DBL-3]"""
    une, seconde = cles_of_personne(a, "", b, jour)[0], cles_of_personne(c, "", d, autre)[0]
    found = compare(une, seconde)
    assert found.score == compare(seconde, une).score
    assert 0 <= found.score <= IDENTIQUE
    assert (found.score == IDENTIQUE) == (une == seconde)


@given(DATES)
def test_near_dates_are_near_both_ways(jour: date) -> None:
    """[DBL-3] Otherwise the search would depend on which demande it starts from."""
    texte = jour.isoformat()
    for voisine in near_dates(texte):
        if voisine >= "1911":
            assert texte in set(near_dates(voisine)), voisine
    inverse = swap_day_month(texte)
    assert inverse is None or swap_day_month(inverse) == texte


_NOMS = st.text(st.sampled_from("abcdm"), min_size=1, max_size=9)


@given(st.tuples(_NOMS, _NOMS), st.tuples(_NOMS, _NOMS))
def test_who_shares_no_initial_is_not_alike(une: tuple[str, str], autre: tuple[str, str]) -> None:
    """[DBL-1] What the search leaves out before it compares would not have been shown."""
    premiere, seconde = (cle(*noms, "1980-03-11") for noms in (une, autre))
    if not initials([premiere]) & initials([seconde]):
        assert compare(premiere, seconde).score < SEUIL


_GLISSEMENTS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["", "a", "z"])), max_size=2)


def slip(nom: str, glissements: list[tuple[int, str]]) -> str:
    """The name with letters lost or changed."""
    for place, lettre in glissements:
        nom = nom[:place] + lettre + nom[place + 1 :]
    return nom or "a"


@given(_NOMS, _NOMS, _GLISSEMENTS, _GLISSEMENTS, st.booleans())
def test_a_glance_leaves_out_nobody_who_shares_an_initial(
    nom: str, prenom: str, fautes: list[tuple[int, str]], autres: list[tuple[int, str]], inverse: bool
) -> None:
    """[DBL-1] The quick look is exact: whom it leaves out, the comparison would have left out too."""
    une, autre = (nom, prenom), (slip(nom, fautes), slip(prenom, autres))
    if inverse:
        autre = autre[::-1]
    if {each[0] for each in une} & {each[0] for each in autre} and not may_match(*une, *autre):
        assert _compare_names(une, autre)[0] == 0

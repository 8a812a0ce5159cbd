"""The window of sendings at once, as a pure state."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from dispatching.transport import Accuse, Echec, GenreEchec, Remis, Statut
from dispatching.voies import SIMULTANES_MAX, Voie

RECU = Accuse(Statut.RECU)
ECHEC = Echec(GenreEchec.REFUS, "refusé")
REMIS = Remis(timedelta(hours=4))


def test_one_more_for_each_that_passes_one_again_after_a_failure() -> None:
    """[DST-53]"""
    voie = Voie(3)
    seen = []
    for resultat in (RECU, REMIS, RECU, ECHEC, RECU):
        voie.note(resultat)
        seen.append(voie.fenetre)
    assert seen == [2, 3, 3, 1, 2]


def test_a_guichet_that_wants_one_gets_one() -> None:
    """[DST-53]"""
    voie = Voie(4, fenetre=4, ouvertes=4)
    voie.bound(1)
    assert (voie.fenetre, voie.has_room, voie.is_crowded) == (1, False, True)
    voie.note(RECU)
    assert voie.fenetre == 1
    voie.bound(2)
    voie.note(RECU)
    assert voie.fenetre == 2


@given(
    st.integers(1, SIMULTANES_MAX),
    st.lists(st.one_of(st.sampled_from([RECU, REMIS, ECHEC]), st.integers(1, SIMULTANES_MAX))),
)
def test_it_stays_between_one_and_its_bound(borne: int, suite: list[Accuse | Remis | Echec | int]) -> None:
    """[DST-53] Whatever happens, in whatever order."""
    voie = Voie(borne)
    for each in suite:
        if isinstance(each, int):
            voie.bound(each)
        else:
            voie.note(each)
        assert 1 <= voie.fenetre <= voie.borne
        if isinstance(each, Echec):
            assert voie.fenetre == 1

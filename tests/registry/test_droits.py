"""Who may read a demande (regles §5, CCH R441-2-6)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.droits import Motif, may_read
from registry.guichets import Guichet, TypeGuichet

MONTREUIL, BAGNOLET, PARIS_13 = "93048", "93006", "75113"


def guichet(type_: TypeGuichet, communes: frozenset[str] = frozenset()) -> Guichet:
    return Guichet("G1104", "Essai", type_, "", frozenset({"111"}), communes)


@pytest.mark.parametrize("type_", [TypeGuichet.BAILLEUR, TypeGuichet.ETAT, TypeGuichet.AUTRE])
def test_a_bailleur_the_state_and_other_reservation_holders_read_their_whole_territory(
    type_: TypeGuichet,
) -> None:
    """[ENR-31]"""
    assert may_read(guichet(type_), "111", [PARIS_13]).motif is Motif.TERRITOIRE
    assert may_read(guichet(type_), "059", ["59350"]).motif is Motif.HORS_TERRITOIRE


@pytest.mark.parametrize("type_", [TypeGuichet.COMMUNE, TypeGuichet.EPCI])
def test_a_commune_and_an_epci_read_what_wishes_one_of_their_communes(type_: TypeGuichet) -> None:
    """[ENR-31]"""
    lecteur = guichet(type_, frozenset({MONTREUIL, BAGNOLET}))
    droit = may_read(lecteur, "111", [PARIS_13, MONTREUIL])
    assert droit.accorde
    assert droit.communes == (MONTREUIL,)
    refus = may_read(lecteur, "111", [PARIS_13])
    assert not refus.accorde
    assert refus.motif is Motif.HORS_COMMUNES
    assert PARIS_13 in refus.texte


def test_the_guichet_that_registered_always_reads() -> None:
    """[ENR-31]"""
    assert may_read(guichet(TypeGuichet.COMMUNE), "059", ["59350"], detenteur=True).motif is Motif.DETENTEUR


def test_a_closed_guichet_reads_nothing_not_even_what_it_registered() -> None:
    """[ENR-31]"""
    ferme = replace(guichet(TypeGuichet.BAILLEUR), actif=False)
    assert may_read(ferme, "111", [PARIS_13], detenteur=True).motif is Motif.GUICHET_FERME


CODES = st.sampled_from([MONTREUIL, BAGNOLET, PARIS_13, "94028", "77284"])


@given(
    st.sampled_from(list(TypeGuichet)),
    st.frozensets(CODES),
    st.frozensets(CODES, min_size=1),
    st.sampled_from(["111", "059"]),
    st.booleans(),
)
def test_a_right_is_never_granted_outside_the_territory_but_to_the_holder(
    type_: TypeGuichet, siennes: frozenset[str], voulues: frozenset[str], territoire: str, detenteur: bool
) -> None:
    droit = may_read(guichet(type_, siennes), territoire, voulues, detenteur=detenteur)
    if droit.accorde and not detenteur:
        assert territoire == "111"
        assert type_ not in {TypeGuichet.COMMUNE, TypeGuichet.EPCI} or siennes & voulues
    assert droit.texte

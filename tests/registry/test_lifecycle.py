"""The life cycle is a table (regles §2)."""

import pytest

from registry.lifecycle import NUMEROTES, SERVIS, TRANSITIONS, Etat, Fait, transition


def test_a_creation_gives_an_active_demande() -> None:
    assert transition(None, Fait.CREATION) is Etat.ACTIVE


@pytest.mark.parametrize("fait", [Fait.MODIFICATION, Fait.RENOUVELLEMENT, Fait.RADIATION])
@pytest.mark.parametrize("etat", [None, Etat.RADIEE, Etat.BROUILLON, Etat.INVALIDEE])
def test_only_an_active_demande_is_modified_renewed_or_struck_off(etat: Etat | None, fait: Fait) -> None:
    assert transition(etat, fait) is None


def test_a_radiation_can_be_undone_and_nothing_else_follows_it() -> None:
    suites = {fait: vers for (de, fait), vers in TRANSITIONS.items() if de is Etat.RADIEE}
    assert suites == {Fait.DERADIATION: Etat.ACTIVE}


def test_every_state_is_reached_and_every_fact_is_used() -> None:
    assert set(TRANSITIONS.values()) == set(Etat)
    assert {fait for _, fait in TRANSITIONS} == set(Fait)


def test_a_number_once_given_is_never_taken_back() -> None:
    """No transition leads from a numbered state to one without a number."""
    assert all(vers in NUMEROTES for (de, _), vers in TRANSITIONS.items() if de in NUMEROTES)


def test_what_is_served_leads_somewhere_from_nothing() -> None:
    assert all(transition(None, fait) is Etat.ACTIVE for fait in SERVIS)

"""The life cycle is a table (regles §2)."""

import pytest

from registry.cycle import TABLE
from registry.lifecycle import CREATIONS, NUMEROTES, SUITES, TRANSITIONS, Etat, Fait, transition
from schemas.codes import code_lists


def test_a_creation_gives_an_active_demande() -> None:
    assert transition(None, Fait.CREATION) is Etat.ACTIVE


@pytest.mark.parametrize("fait", [Fait.MODIFICATION, Fait.RENOUVELLEMENT, Fait.RADIATION])
@pytest.mark.parametrize("etat", [None, Etat.RADIEE, Etat.BROUILLON, Etat.INVALIDEE])
def test_only_an_active_demande_is_modified_renewed_or_struck_off(etat: Etat | None, fait: Fait) -> None:
    assert transition(etat, fait) is None


def test_a_radiation_can_be_undone_until_the_demande_is_erased() -> None:
    suites = {fait: vers for (de, fait), vers in TRANSITIONS.items() if de is Etat.RADIEE}
    assert suites == {Fait.DERADIATION: Etat.ACTIVE, Fait.PURGE: Etat.PURGEE}


def test_every_state_is_reached_and_every_fact_is_used() -> None:
    assert set(TRANSITIONS.values()) == set(Etat)
    assert {fait for _, fait in TRANSITIONS} == set(Fait)


def test_a_number_once_given_is_never_taken_back() -> None:
    """No transition leads from a numbered state to one without a number."""
    assert all(vers in NUMEROTES for (de, _), vers in TRANSITIONS.items() if de in NUMEROTES)


def test_what_partners_send_either_creates_or_follows() -> None:
    """[VIE-2] A creation starts from nothing; what follows starts from an active demande."""
    assert all(transition(None, fait) is Etat.ACTIVE for fait in CREATIONS)
    assert all(transition(None, fait) is None for fait in SUITES)
    assert all(transition(Etat.ACTIVE, fait) is not None for fait in SUITES)


def test_the_lines_of_the_cycle_are_transitions_of_the_table() -> None:
    """[VIE-2] registry/cycle.py says who and on what conditions; it neither adds nor omits a transition."""
    assert {(ligne.depuis, ligne.fait): ligne.vers for ligne in TABLE} == {
        (de, fait): vers
        for (de, fait), vers in TRANSITIONS.items()
        if de in (Etat.ACTIVE, Etat.RADIEE) and fait is not Fait.PURGE
    }


def test_every_motive_of_radiation_has_its_line() -> None:
    """[VIE-30] The closed list of motives, and nothing else."""
    motifs = {each.code for each in code_lists()["ListeMotifsRadiation"]} - {""}
    assert {ligne.motif for ligne in TABLE if ligne.fait is Fait.RADIATION} == motifs

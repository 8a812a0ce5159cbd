"""The comparison by file: what is written is read, and what does not fit is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rapprochement import (
    DemandeRapprochement,
    Relue,
    ResultatRapprochement,
    TrancheManquante,
    TrancheTenue,
    read_demande_rapprochement,
    read_resultat,
    write_demande,
    write_resultat,
)
from schemas.violations import Violation

LONG = st.integers(-(2**63), 2**63 - 1)
HEXA = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(
    st.builds(
        DemandeRapprochement,
        st.lists(st.builds(TrancheTenue, LONG, LONG, st.lists(HEXA, max_size=3).map(tuple))).map(tuple),
        st.integers(0, 2**63 - 1),
        st.none() | LONG,
        st.booleans(),
    )
)
def test_what_is_asked_is_read_as_it_was_written(demande: DemandeRapprochement) -> None:
    """[DST-74]"""
    assert read_demande_rapprochement(write_demande(demande)) == demande


RESULTATS = st.builds(
    ResultatRapprochement,
    LONG,
    LONG,
    st.booleans(),
    st.lists(
        st.builds(TrancheManquante, LONG, LONG, st.sampled_from(["EN_ATTENTE", "ECHEC", "ACQUITTEE"]))
    ).map(tuple),
    st.lists(st.tuples(LONG, LONG)).map(tuple),
    st.lists(LONG).map(tuple),
    st.lists(
        st.builds(Relue, LONG, st.uuids().map(str), st.just("DEMG1104-202607011130-000001.xml"), HEXA)
    ).map(tuple),
)


@given(RESULTATS)
def test_what_is_answered_is_read_as_it_was_written(resultat: ResultatRapprochement) -> None:
    """[DST-74]"""
    assert read_resultat(write_resultat(resultat)) == resultat


ENTETE = 'xmlns="http://nuu.application.i2/" versionInterface="01.00"'


@pytest.mark.parametrize(
    ("corps", "regle"),
    [
        (f"<manifeste {ENTETE}/>", "XSD-RACINE"),
        (f'<rapprochement {ENTETE}><tranche premiere="1"/></rapprochement>', "XSD-"),
        (f'<rapprochement {ENTETE}><tranche premiere="1" derniere="x"/></rapprochement>', "XSD-"),
        (f'<rapprochement {ENTETE}><tranche premiere="1" derniere="{2**63}"/></rapprochement>', "XSD-"),
        (f'<rapprochement {ENTETE} relire="oui"/>', "XSD-"),
        ('<!DOCTYPE a><rapprochement xmlns="http://nuu.application.i2/"/>', "XML-DTD"),
        (f"<rapprochement {ENTETE}>{'<apresSequence>1</apresSequence>' * 2}</rapprochement>", "XSD-"),
    ],
)
def test_what_does_not_fit_is_refused(corps: str, regle: str) -> None:
    """[COU-25]"""
    found = read_demande_rapprochement(corps.encode())
    assert isinstance(found, Violation)
    assert found.rule.startswith(regle)

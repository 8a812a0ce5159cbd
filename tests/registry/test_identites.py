"""Identity keys: what makes two demandes about the same person (regles §3)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identites import Role, cles_of, cles_of_personne, normalise
from tests.registry.fabrique import demande_of, generate

NE_LE = date(1980, 2, 29)


@pytest.mark.parametrize(
    "ecrit",
    [
        "Éloïse-Anne D’Œuvre",
        "ELOISE ANNE D'OEUVRE",
        "eloïse  anne d œuvre",
        "E\u0301loi\u0308se-Anne d'Œuvre",
    ],
)
def test_case_accents_hyphens_blanks_and_apostrophes_do_not_count(ecrit: str) -> None:
    assert normalise(ecrit) == "eloiseannedoeuvre"


@pytest.mark.parametrize("vide", ["", " ", "-", "’", ".", "--- ", "\u00a0"])
def test_what_has_neither_letter_nor_digit_is_empty(vide: str) -> None:
    assert normalise(vide) == ""


NOMS = st.text(st.characters(categories=["L", "M", "Zs", "Pd"]), min_size=1, max_size=36)


@given(NOMS)
def test_normalising_twice_changes_nothing(nom: str) -> None:
    assert normalise(normalise(nom)) == normalise(nom)


@given(st.text(st.characters(codec="latin-1", categories=["L", "Zs", "Pd"]), max_size=36))
def test_case_does_not_count(nom: str) -> None:
    assert normalise(nom.lower()) == normalise(nom.upper()) == normalise(nom)


@given(NOMS, NOMS)
def test_an_inversion_of_name_and_first_name_gives_the_same_key(nom: str, prenom: str) -> None:
    if normalise(nom) and normalise(prenom):
        assert cles_of_personne(nom, "", prenom, NE_LE) == cles_of_personne(prenom, "", nom, NE_LE)


def test_another_birth_date_is_another_person() -> None:
    assert cles_of_personne("Durand", "", "Anne", NE_LE) != cles_of_personne(
        "Durand", "", "Anne", date(1980, 2, 28)
    )


def test_a_person_is_known_by_each_name_borne() -> None:
    cles = cles_of_personne("Martin", "Durand", "Anne", NE_LE)
    assert set(cles_of_personne("Durand", "", "Anne", NE_LE)) < set(cles)
    assert set(cles_of_personne("Martin", "", "Anne", NE_LE)) < set(cles)
    assert len(cles_of_personne("Durand", "DURAND", "Anne", NE_LE)) == 1


@pytest.mark.parametrize("lien", ["M", "P", "C"])
def test_the_spouse_counts(lien: str) -> None:
    demande = demande_of(generate(1, avec_cotitulaire=True, lien=lien))
    assert {cle.role for cle in cles_of(demande)} == {Role.DEMANDEUR, Role.CONJOINT}


def test_a_colocataire_does_not_count() -> None:
    """He must hold his own demande (regles §3)."""
    demande = demande_of(generate(1, avec_cotitulaire=True, lien="L"))
    assert demande.cotitulaires
    assert {cle.role for cle in cles_of(demande)} == {Role.DEMANDEUR}


def test_an_association_has_no_identity() -> None:
    assert cles_of(demande_of(generate(1, association=True))) == ()

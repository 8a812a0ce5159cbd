"""The catalogue of anomalies, and the page that is generated from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from registry import anomalies_demande, anomalies_document
from registry.anomalies import CATALOGUE, Catalogue, Tour, TypeAnomalie
from registry.anomalies_document import LIMITE_VIOLATIONS, anomalie_of, anomalies_of
from schemas.violations import Violation
from tools import docs_anomalies

RACINE = Path(__file__).resolve().parents[2]
TYPES = [
    each
    for module in (anomalies_demande, anomalies_document)
    for each in vars(module).values()
    if isinstance(each, TypeAnomalie)
]


def test_the_page_is_that_of_the_catalogue() -> None:
    """When this fails: make docs."""
    page = (RACINE / docs_anomalies.PAGE).read_text(encoding="utf-8")
    assert page == docs_anomalies.render()


def test_every_type_of_the_catalogue_is_on_the_page() -> None:
    page = docs_anomalies.render()
    assert all(f"### `{code}`" in page for code in CATALOGUE.types)


@pytest.mark.parametrize("each", TYPES, ids=lambda each: each.code)
def test_an_anomaly_says_what_is_wrong_whose_turn_it_is_and_what_to_do(each: TypeAnomalie) -> None:
    assert re.fullmatch(r"[A-Z]{3}[0-9]{3}", each.code)
    assert each.texte.endswith((".", "}"))
    assert each.conduite.endswith(".")
    assert each.source
    message = each("trouvé", "voulu").message
    assert "{" not in message
    assert message.strip()


def test_a_message_fits_in_its_element_even_with_braces_in_what_was_found() -> None:
    """anomalie/message holds 512 characters; what a partner wrote is not a template."""
    message = anomalies_demande.CODE_INCONNU("{attendu}" * 100, "x" * 600).message
    assert len(message) == 512
    assert message.startswith("{attendu}{attendu}")


def test_a_code_is_given_once() -> None:
    catalogue = Catalogue()
    catalogue.declare("DEM101", "x", tour=Tour.PARTENAIRE, conduite="x", source="x")
    with pytest.raises(ValueError, match="déjà pris"):
        catalogue.declare("DEM101", "y", tour=Tour.PARTENAIRE, conduite="y", source="y")
    with pytest.raises(ValueError, match="mal formé"):
        catalogue.declare("CTRL_DEM_0033", "y", tour=Tour.PARTENAIRE, conduite="y", source="y")


@pytest.mark.parametrize(
    ("regle", "attendue"),
    [
        ("XML-FORME", anomalies_document.DOCUMENT_ILLISIBLE),
        ("XML-TAILLE", anomalies_document.DOCUMENT_DEMESURE),
        ("XML-DTD", anomalies_document.DOCUMENT_DEFENDU),
        ("XML-INVENTEE", anomalies_document.DOCUMENT_DEFENDU),
        ("XSD-ORDRE", anomalies_document.DOCUMENT_INVALIDE),
        ("DOC-VERSION", anomalies_document.DOCUMENT_INATTENDU),
    ],
)
def test_each_violation_of_the_specification_has_its_anomaly(regle: str, attendue: TypeAnomalie) -> None:
    anomalie = anomalie_of(Violation(regle, "Le texte.", "/interfaceNuu/entete", 12, "a", "b"))
    assert anomalie.type is attendue
    assert "Le texte. (ligne 12)" in anomalie.message
    assert anomalie.propriete == "/interfaceNuu/entete"


def test_the_refusal_of_a_file_says_what_was_found_and_expected_but_quotes_no_value() -> None:
    """The text of an element may be nominative; a size, a root or a version is not."""
    taille = Violation("XML-TAILLE", "Trop gros.", found="9 octets", expected="8 octets au plus")
    assert anomalie_of(taille).message.endswith("Trop gros. Trouvé : 9 octets. Attendu : 8 octets au plus.")
    valeur = Violation("XSD-TYPE", "Mal écrit.", line=3, found="DUPONT", expected="une date")
    assert anomalie_of(valeur).message.endswith("Mal écrit. (ligne 3) Attendu : une date.")
    dit = Violation("XSD-MANQUANT", "Il manque « nom ».", expected="nom")
    assert anomalie_of(dit).message.endswith("Il manque « nom ».")


def test_a_file_of_errors_gets_a_bounded_answer() -> None:
    assert len(anomalies_of([Violation("XSD-ORDRE", "x")] * 1000)) == LIMITE_VIOLATIONS

"""The part of the catalogue for a file that cannot be read as a demande: no business document can carry these
anomalies, so the edge says them in its own way (fault, signed mail).

Codes from XML101: the numbers below are for the envelope, which is the business of the edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from registry.anomalies import CATALOGUE, Anomalie, Tour, TypeAnomalie
from schemas.violations import Violation

_SPECIFICATION: Final = "Valider le fichier (echangeur schema valider FICHIER), corriger, renvoyer."

DOCUMENT_ILLISIBLE: Final = CATALOGUE.declare(
    "XML101",
    "Le fichier n'est pas du XML bien formé : {constat}",
    tour=Tour.PARTENAIRE,
    conduite=_SPECIFICATION,
    source="XML 1.0 §2.1",
)
DOCUMENT_DEFENDU: Final = CATALOGUE.declare(
    "XML102",
    "Le fichier contient une construction XML refusée : {constat}",
    tour=Tour.PARTENAIRE,
    conduite="Retirer la déclaration de type de document et les entités, puis renvoyer.",
    source="docs/decisions/0012",
)
DOCUMENT_DEMESURE: Final = CATALOGUE.declare(
    "XML103",
    "Le fichier dépasse une limite de l'échangeur : {constat}",
    tour=Tour.PARTENAIRE,
    conduite="Envoyer une seule demande par fichier, sans contenu étranger à l'interface.",
    source="docs/decisions/0012",
)
DOCUMENT_INATTENDU: Final = CATALOGUE.declare(
    "XML104",
    "Le fichier n'est pas le document attendu : {constat}",
    tour=Tour.PARTENAIRE,
    conduite="Envoyer un document interfaceNuu de demande, version 02.00 ou 02.01.",
    source="interface/wire §10",
)
DOCUMENT_INVALIDE: Final = CATALOGUE.declare(
    "XML105",
    "Le fichier n'est pas conforme au schéma : {constat}",
    tour=Tour.PARTENAIRE,
    conduite=_SPECIFICATION,
    source="interface/wire §7",
)

_PAR_REGLE: Final[dict[str, TypeAnomalie]] = {
    "XML-FORME": DOCUMENT_ILLISIBLE,
    "XML-CODAGE": DOCUMENT_ILLISIBLE,
    "XML-CARACTERE": DOCUMENT_ILLISIBLE,
    "XML-TAILLE": DOCUMENT_DEMESURE,
    "XML-PROFONDEUR": DOCUMENT_DEMESURE,
    "XML-NOEUDS": DOCUMENT_DEMESURE,
}

LIMITE_VIOLATIONS: Final = 20
"""Anomalies told at once: the answer to a 1 MB file of errors must not be bigger than the file."""


def anomalie_of(violation: Violation) -> Anomalie:
    """The anomaly that tells a violation of the specification found in a file.

    What was expected is always said. What was found is not when it is the text of an element, which may be
    nominative: the partner has it at the line told.
    """
    type_ = _PAR_REGLE.get(violation.rule)
    if type_ is None:
        if violation.rule.startswith("XSD-"):
            type_ = DOCUMENT_INVALIDE
        elif violation.rule.startswith("XML-"):
            type_ = DOCUMENT_DEFENDU
        else:
            type_ = DOCUMENT_INATTENDU
    ligne = "" if violation.line is None else f" (ligne {violation.line})"
    trouve = "" if type_ is DOCUMENT_INVALIDE or not violation.found else f" Trouvé : {violation.found}."
    said = violation.expected in violation.message
    attendu = "" if said else f" Attendu : {violation.expected}."
    return type_(
        f"{violation.message}{ligne}{trouve}{attendu}",
        violation.expected,
        violation.path,
    )


def anomalies_of(violations: Sequence[Violation]) -> tuple[Anomalie, ...]:
    """The first anomalies of a file, in the order found."""
    return tuple(anomalie_of(violation) for violation in violations[:LIMITE_VIOLATIONS])

"""From received bytes to a valid business document, or to all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from schemas.kinds import DEMANDES, NAMESPACE, VERSIONS_DEMANDE, DocumentKind, identify
from schemas.parser import DOCUMENT_LIMITS, Limits, parse
from schemas.validation import validate
from schemas.violations import Violation

__all__ = ["DEMANDES", "Document", "DocumentKind", "identify", "read_document", "schema_applied"]

# Names of the elements typed xs:date or xs:dateTime in the schemas (a test compares them).
DATE_NAMES: Final = frozenset(
    {
        "compCentreDepuis",
        "compDateJugement",
        "compResHotDepuis",
        "compResSocDepuis",
        "compSousLocDepuis",
        "compStructDepuis",
        "dateCalculIndicateur",
        "dateCourrier",
        "dateCreation",
        "dateCreationDemande",
        "dateDebutValidite",
        "dateDecisionDalo",
        "dateDepotDebut",
        "dateDepotFin",
        "dateDerniereModificationPiece",
        "dateFichier",
        "dateFinValidite",
        "dateModification",
        "dateNaissance",
        "dateNaissancePrevue",
        "dateRadiation",
        "dateRadiationDebut",
        "dateRadiationFin",
        "dateRenouvellement",
        "dateRenouvellementDebut",
        "dateRenouvellementFin",
        "dateSignatureBail",
        "dateSurvenance",
    }
)
_DATE_TAGS: Final = tuple(f"{{{NAMESPACE}}}{name}" for name in sorted(DATE_NAMES))
_BLANKS: Final = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Document:
    """A valid business document.

    kind: what it declares to be. root: its tree, without comments, dates without blanks around them.
    data: the bytes as received.
    """

    kind: DocumentKind
    root: etree._Element
    data: bytes


def schema_applied(kind: DocumentKind) -> DocumentKind:
    """Return the schema under which a received document of `kind` is validated.

    A demande is validated under 02.01 whatever version it declares: partners do so before they send, and
    every 02.00 document is valid under 02.01 (interface/wire §7 and §9).
    """
    return DocumentKind.DEMANDE_0201 if kind in DEMANDES else kind


def read_document(
    data: bytes, accepted: frozenset[DocumentKind], limits: Limits = DOCUMENT_LIMITS
) -> Document | tuple[Violation, ...]:
    """Parse, identify and validate `data`; return the document, or at least one violation. Raises nothing
    ([SOA-21]).

    Beside the rules of `schemas.parser` and `schemas.validation`: DOC-NATURE (not a document of this
    interface, or one that is not expected here) and DOC-VERSION (a demande of an unknown version).
    """
    root = parse(data, limits)
    if isinstance(root, Violation):
        return (root,)
    kind = identify(root)
    if kind is None or kind not in accepted:
        return (_unexpected(root, kind, accepted),)
    if kind in DEMANDES:
        version = root.get("versionInterface")
        if version is not None and version not in VERSIONS_DEMANDE:
            return (_unknown_version(root, version),)
    schema = schema_applied(kind)
    violations = validate(root, schema)
    # libxml2 refuses blanks around dates though XML Schema collapses them. Trimming only what failed keeps
    # the ordinary document at the cost of one validation.
    if violations and _trim_dates(root):
        violations = validate(root, schema)
    return violations or Document(kind, root, data)


def _trim_dates(root: etree._Element) -> bool:
    changed = False
    for element in _dates(root):
        text = element.text
        if text is not None and len(element) == 0:
            trimmed = text.strip(_BLANKS)
            if trimmed != text:
                element.text = trimmed
                changed = True
    return changed


def _dates(root: etree._Element) -> Iterator[etree._Element]:
    return root.iter(*_DATE_TAGS)


_NAMES: Final = {
    DocumentKind.DEMANDE_0200: "demande 02.00",
    DocumentKind.DEMANDE_0201: "demande 02.01",
    DocumentKind.DOUBLONS: "liste de doublons",
    DocumentKind.RECHERCHE: "recherche",
    DocumentKind.EVENEMENT: "événements d'une demande",
    DocumentKind.TYPE_EVENEMENT: "types d'événements",
}


def _unexpected(
    root: etree._Element, kind: DocumentKind | None, accepted: frozenset[DocumentKind]
) -> Violation:
    if kind is None:
        message = "Le document n'est pas de ceux que l'interface définit."
        found = str(root.tag)[:200]
    else:
        message = "Le document n'est pas de la nature attendue ici."
        found = _NAMES[kind]
    return Violation(
        rule="DOC-NATURE",
        message=message,
        path="/" + etree.QName(root).localname,
        line=root.sourceline,
        found=found,
        expected=" ou ".join(_NAMES[each] for each in DocumentKind if each in accepted),
    )


def _unknown_version(root: etree._Element, version: str) -> Violation:
    return Violation(
        rule="DOC-VERSION",
        message="La version déclarée par le document n'est pas connue.",
        path="/interfaceNuu/@versionInterface",
        line=root.sourceline,
        found=version[:200],
        expected=" ou ".join(VERSIONS_DEMANDE),
    )

"""The kinds of business documents and how to tell them apart.

Four kinds share the root ``interfaceNuu`` and possibly the same version: what stands below decides
(interface/wire §10).
"""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import Final

from lxml import etree

NAMESPACE: Final = "http://nuu.application.i2/"
VERSIONS_DEMANDE: Final = ("02.00", "02.01")

_ROOT: Final = f"{{{NAMESPACE}}}interfaceNuu"
_DOUBLONS: Final = f"{{{NAMESPACE}}}listeDoublons"
_ENTETE: Final = f"{{{NAMESPACE}}}entete"
_DEMANDE: Final = f"{{{NAMESPACE}}}demande"
_OPERATION: Final = f"{{{NAMESPACE}}}operation"


class DocumentKind(StrEnum):
    """One kind of business document; the value is the name of its schema, without ``.xsd``."""

    DEMANDE_0200 = "demande-02.00"
    DEMANDE_0201 = "demande-02.01"
    DOUBLONS = "doublons"
    RECHERCHE = "recherche"
    EVENEMENT = "gp-evenement"
    TYPE_EVENEMENT = "gp-type-evenement"


DEMANDES: Final = frozenset({DocumentKind.DEMANDE_0200, DocumentKind.DEMANDE_0201})


def identify(root: etree._Element) -> DocumentKind | None:
    """Say which kind the document of root `root` means to be, valid or not; None when it is none of ours.

    A demande that declares neither 02.00 nor 02.01 is identified as 02.01: the version is a declaration,
    and whether it is known is for the caller to check (`schemas.documents.read_document` does).
    """
    if root.tag == _DOUBLONS:
        return DocumentKind.DOUBLONS
    if root.tag != _ROOT:
        return None
    body = next(islice(root.iterchildren("*"), 1, None), None)
    if body is None:
        # Only the header: legal for one kind alone. Its codeGuichet tells it from a truncated demande.
        entete = root.find(_ENTETE)
        has_guichet = entete is not None and entete.find(f"{{{NAMESPACE}}}codeGuichet") is not None
        return DocumentKind.TYPE_EVENEMENT if has_guichet else None
    if body.tag == _DEMANDE:
        if root.get("versionInterface") == "02.00":
            return DocumentKind.DEMANDE_0200
        return DocumentKind.DEMANDE_0201
    if body.tag != _OPERATION:
        return DocumentKind.TYPE_EVENEMENT
    if body.find(f"{{{NAMESPACE}}}demandeMulticritere") is not None:
        return DocumentKind.RECHERCHE
    if body.find(f"{{{NAMESPACE}}}numUnique") is not None:
        return DocumentKind.EVENEMENT
    return DocumentKind.TYPE_EVENEMENT

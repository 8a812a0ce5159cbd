"""Recorded documents under schemas that nobody serves yet: who would be refused, and why. Pure.

What is told of a document is never what it says: the rule, the path, whose it is, how many.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lxml import etree

from schemas.documents import read_document
from schemas.evolution.modele import SchemaIllisible
from schemas.kinds import DEMANDES, DocumentKind
from schemas.validation import validate_with
from schemas.violations import Violation

_RANG: Final = re.compile(r"\[\d+\]")


class Sens(StrEnum):
    """Which way a document went."""

    RECU = "reçu"
    EMIS = "émis"


@dataclass(frozen=True, slots=True)
class Motif:
    """Why a document would be refused. regle: that of `schemas.validation`; chemin: without ranks."""

    regle: str
    chemin: str


@dataclass(slots=True)
class Bilan:
    """The documents of one guichet, one way. deja: those that the schemas of today refuse already, of which
    the change says nothing. motifs: how many documents each would have refused."""

    documents: int = 0
    deja: int = 0
    refuses: int = 0
    motifs: Counter[Motif] = field(default_factory=Counter)


class Rejeu:
    """Holds documents against new schemas, and keeps the count."""

    def __init__(self, schemas: Mapping[DocumentKind, etree.XMLSchema]) -> None:
        self._schemas = schemas
        self.bilans: dict[tuple[str, Sens], Bilan] = {}

    def add(self, guichet: str, sens: Sens, octets: bytes) -> bool:
        """Count one document of that guichet. Answers whether the new schemas would refuse it."""
        bilan = self.bilans.setdefault((guichet, sens), Bilan())
        bilan.documents += 1
        read = read_document(octets, frozenset(DocumentKind))
        if isinstance(read, tuple):
            bilan.deja += 1
            return False
        violations: tuple[Violation, ...] = validate_with(self._schemas[_applied(read.kind)], read.root)
        if not violations:
            return False
        bilan.refuses += 1
        bilan.motifs.update({Motif(each.rule, _RANG.sub("", each.path)) for each in violations})
        return True


def _applied(kind: DocumentKind) -> DocumentKind:
    """As `schemas.documents.schema_applied`."""
    return DocumentKind.DEMANDE_0201 if kind in DEMANDES else kind


__all__ = ["Bilan", "Motif", "Rejeu", "SchemaIllisible", "Sens"]

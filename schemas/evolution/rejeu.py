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

from schemas.documents import read_document, schema_applied
from schemas.kinds import DocumentKind
from schemas.validation import validate_with

_RANG: Final = re.compile(r"\[\d+\]")
_ETRANGER: Final = "DOC-NATURE"


class Sens(StrEnum):
    """Which way a document went. Written in answers; never renamed."""

    RECU = "reçu"
    EMIS = "émis"


@dataclass(frozen=True, slots=True)
class Motif:
    """Why a document would be refused. regle: that of `schemas.validation`; chemin: without ranks."""

    regle: str
    chemin: str


@dataclass(slots=True)
class Bilan:
    """The documents of one guichet, one way.

    deja: those that the schemas of today refuse already, of which the change says nothing. motifs: how many
    documents each one would have refused; one document may have several.
    """

    documents: int = 0
    deja: int = 0
    refuses: int = 0
    motifs: Counter[Motif] = field(default_factory=Counter)


class Rejeu:
    """Holds documents against new schemas, and keeps the count.

    illisibles: messages whose documents could not be found.
    """

    def __init__(self, schemas: Mapping[DocumentKind, etree.XMLSchema]) -> None:
        self._schemas = schemas
        self.bilans: dict[tuple[str, Sens], Bilan] = {}
        self.illisibles = 0

    def add(self, guichet: str, sens: Sens, octets: bytes) -> None:
        """Count one document of that guichet; what is no document of these schemas counts for nothing."""
        read = read_document(octets, frozenset(DocumentKind))
        if isinstance(read, tuple) and read[0].rule == _ETRANGER:
            return
        bilan = self.bilans.setdefault((guichet, sens), Bilan())
        bilan.documents += 1
        if isinstance(read, tuple):
            bilan.deja += 1
            return
        violations = validate_with(self._schemas[schema_applied(read.kind)], read.root)
        if violations:
            bilan.refuses += 1
            bilan.motifs.update({Motif(each.rule, _RANG.sub("", each.path)) for each in violations})

    @property
    def refuses(self) -> int:
        """Documents that are accepted today and would not be, of all."""
        return sum(bilan.refuses for bilan in self.bilans.values())

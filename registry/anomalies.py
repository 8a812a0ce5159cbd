"""The catalogue of anomalies: what may be wrong with what a partner sends, or with us.

An anomaly is a value. Its code is at most 10 characters (`interface`: anomalie/@code), never reused, never
renamed. `docs/anomalies.md` is generated from this catalogue.

Families: DEM the demande itself, GUI guichet and rights, COD code lists, DBL doublons, NUM numéro unique,
XML and SOA the envelope and the file (technical, carried by a fault), HUB ourselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Tour(StrEnum):
    """Whose turn it is to act."""

    PARTENAIRE = "partenaire"
    GESTIONNAIRE = "gestionnaire"
    EXPLOITANT = "exploitant"


@dataclass(frozen=True, slots=True)
class TypeAnomalie:
    """One entry of the catalogue.

    code: 1 to 10 characters of [A-Z0-9].
    texte: French sentence, may hold ``{constat}`` and ``{attendu}``.
    conduite: what the one whose turn it is should do.
    rejouable: True when sending the very same message again may succeed.
    source: the rule, for instance ``interface/wire §7`` or an article.
    """

    code: str
    texte: str
    tour: Tour
    conduite: str
    rejouable: bool
    source: str

    def __call__(self, constat: str = "", attendu: str = "", propriete: str = "") -> Anomalie:
        """The anomaly of this type with what was found and what was expected."""
        return Anomalie(self, constat, attendu, propriete)


@dataclass(frozen=True, slots=True)
class Anomalie:
    """An anomaly found in one exchange. `propriete` names the element at fault (at most 255 characters)."""

    type: TypeAnomalie
    constat: str = ""
    attendu: str = ""
    propriete: str = ""

    @property
    def code(self) -> str:
        return self.type.code

    @property
    def message(self) -> str:
        """The whole French text, cut at the 512 characters that anomalie/message holds."""
        return self.type.texte.format(constat=self.constat, attendu=self.attendu)[:512]


@dataclass
class Catalogue:
    """All the types of anomalies, by code."""

    types: dict[str, TypeAnomalie] = field(default_factory=dict)

    def declare(
        self, code: str, texte: str, *, tour: Tour, conduite: str, source: str, rejouable: bool = False
    ) -> TypeAnomalie:
        """Add a type. Raises ValueError when the code is taken or malformed: codes are never reused."""
        if not (1 <= len(code) <= 10 and code.isascii() and code.isalnum() and code == code.upper()):
            raise ValueError(f"code d'anomalie mal formé : {code!r}")
        if code in self.types:
            raise ValueError(f"code d'anomalie déjà pris : {code}")
        entry = TypeAnomalie(code, texte, tour, conduite, rejouable, source)
        self.types[code] = entry
        return entry


CATALOGUE: Final = Catalogue()

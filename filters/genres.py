"""The two kinds of criteria: codes and numbers. A yes-or-no is a criterion of the two codes OUI and NON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from filters.source import Source

Valeur = frozenset[str] | int | None
"""What a demande says for a criterion: its codes (none: it says nothing), or its number (None: the same)."""

OUI: Final = "OUI"
NON: Final = "NON"


@dataclass(frozen=True, slots=True)
class CritereCodes:
    """A criterion for which a demande has codes.

    nom: key in TOML, JSON and storage; never renamed.
    rubrique: heading under which the reference page puts it.
    libelle: French, singular, for sentences such as « {libelle} : la demande a … ».
    definition: French, how the values of a demande are found.
    motif: pattern of one value, for the JSON Schema. attendu: French description of a well-formed value.
    lit: the values that a demande has. connait: whether a well-formed value exists in the reference data.
    designe: a value with its name, for people.
    codes: all the values, or empty when there are too many to name (places, guichets).
    multiple: whether a demande may have several values.
    lieu: whether the values follow from the wished communes.
    """

    nom: str
    rubrique: str
    libelle: str
    definition: str
    motif: str
    attendu: str
    lit: Callable[[Source], frozenset[str]]
    connait: Callable[[str], bool]
    designe: Callable[[str], str]
    codes: tuple[str, ...] = ()
    multiple: bool = True
    lieu: bool = False

    @property
    def oui_non(self) -> bool:
        return self.codes == (OUI, NON)


@dataclass(frozen=True, slots=True)
class CritereNombre:
    """A criterion for which a demande has a whole number.

    unite: French, plural. mini, maxi: what a bound of a filter may be. The rest as for codes.
    """

    nom: str
    rubrique: str
    libelle: str
    definition: str
    unite: str
    mini: int
    maxi: int
    lit: Callable[[Source], int | None]

    def designe(self, valeur: int) -> str:
        """The number with its unit."""
        return f"{valeur} {self.unite}"


Critere = CritereCodes | CritereNombre

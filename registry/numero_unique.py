"""The numéro unique: its form, and the counter that issues it.

Layout (regles §3, fitted on two public samples): ``TTT MMYY NNNNNN GGGGG``, 18 characters without blanks:
territory, month and year of the deposit, sequence, code of the guichet that first registered.

Nothing is ever derived from a number but what its form says: it does not change when another guichet takes
the demande over, and no right comes from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection, text

SEQUENCE_MAX: Final = 999_999
"""Last sequence of one territory and one month: six digits."""

FORME: Final = "territoire (3), mois et année de dépôt (4 chiffres), séquence (6 chiffres), guichet (5)"
"""The form, in words."""

Compteur = tuple[str, str]
"""A counter of sequences: territory, and month of the deposit as ``MMYY``."""

PLANCHER: Final[Compteur] = ("*", "0000")
"""The counter of none: from where those start that have given nothing yet. 0, or more after a restoration
(registry/reprise.py)."""

_MOTIF: Final = re.compile(
    r"(?P<territoire>[0-9]{3}|02[AB])"
    r"(?P<mois>0[1-9]|1[0-2])(?P<annee>[0-9]{2})"
    r"(?P<sequence>[0-9]{6})"
    r"(?P<guichet>[A-Z0-9]{5})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class NumeroUnique:
    """A numéro unique taken apart.

    mois: 1 to 12; annee: the two last digits of the year of the deposit; sequence: 0 to 999,999.
    """

    territoire: str
    mois: int
    annee: int
    sequence: int
    guichet: str

    def __str__(self) -> str:
        return f"{self.territoire}{self.mois:02d}{self.annee:02d}{self.sequence:06d}{self.guichet}"

    def agrees_with(self, depot: date) -> bool:
        """True when month and year are those of the deposit."""
        return (self.mois, self.annee) == (depot.month, depot.year % 100)


def parse(texte: str) -> NumeroUnique | None:
    """The parts of a number, or None when the text has not its form (18 characters, upper case)."""
    trouve = _MOTIF.fullmatch(texte)
    if trouve is None:
        return None
    return NumeroUnique(
        trouve["territoire"],
        int(trouve["mois"]),
        int(trouve["annee"]),
        int(trouve["sequence"]),
        trouve["guichet"],
    )


def compose(territoire: str, depot: date, sequence: int, guichet: str) -> NumeroUnique:
    """The number of a demande deposited on that day. Raises ValueError when the parts do not make one
    ([ENR-10])."""
    numero = NumeroUnique(territoire, depot.month, depot.year % 100, sequence, guichet)
    if parse(str(numero)) != numero:
        raise ValueError(f"numéro unique impossible : {numero}")
    return numero


def month_of(depot: date) -> str:
    """Month and year as the number writes them: ``MMYY``."""
    return f"{depot.month:02d}{depot.year % 100:02d}"


# Text, not built expressions: these run at every batch, and building costs more than executing.
_READ_TAKEN: Final = text("SELECT numero FROM demande WHERE numero = ANY(CAST(:numeros AS text[]))")


def read_taken(conn: Connection, numeros: Collection[str]) -> frozenset[str]:
    """Those of the numbers that a demande already has."""
    if not numeros:
        return frozenset()
    return frozenset(conn.scalars(_READ_TAKEN, {"numeros": list(numeros)}))

"""What a guichet says it has, as a text of one sequence or range a line. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from dispatching.rapprochement import Tenue

ATTENDU: Final = "12, 12-40, ou 12;SHA-256 du fichier"
_LIGNE: Final = re.compile(r"(\d{1,18})(?:-(\d{1,18})|;([0-9A-Fa-f]{64}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class LigneIllisible:
    """The first line that is neither, from 1."""

    rang: int


def read_liste(texte: str) -> list[Tenue] | LigneIllisible:
    """The sequences of a text, a line each (`ATTENDU`); empty lines are passed over."""
    tenues = []
    for rang, brute in enumerate(texte.splitlines(), 1):
        ligne = brute.strip()
        if not ligne:
            continue
        lue = _LIGNE.fullmatch(ligne)
        premiere, derniere = (0, -1) if lue is None else (int(lue[1]), int(lue[2] or lue[1]))
        if lue is None or premiere > derniere:
            return LigneIllisible(rang)
        tenues.append(Tenue(premiere, derniere, (lue[3],) if lue[3] else ()))
    return tenues

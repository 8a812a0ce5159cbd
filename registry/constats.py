"""What is wrong with what the gestionnaire or the operator asked, as a value for the one who typed it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constat:
    """One thing to correct.

    code: stable, upper case with hyphens. champ: the field at fault, as the command line names it.
    texte: French sentence with what was found and what is expected.
    """

    code: str
    champ: str
    texte: str

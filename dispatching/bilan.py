"""What a filter would have delivered, told in counts that hold nothing of the image ([FIL-44])."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dispatching.retrospective import Remises, Retrospective
from filters.image import Image


@dataclass(frozen=True, slots=True)
class Cote:
    """What the guichet would have received. sorties: notices that it receives a demande no more. demandes:
    how many different ones."""

    premieres: int
    suites: int
    sorties: int
    demandes: int

    @property
    def total(self) -> int:
        """Distributions."""
        return self.premieres + self.suites + self.sorties


@dataclass(frozen=True, slots=True)
class Bilan:
    """A draft over the past. en_plus, en_moins: distributions that it would have added and spared.

    mois: by month, how many without and with the draft.
    """

    depuis: date
    evenements: int
    sans: Cote
    avec: Cote
    en_plus: int
    en_moins: int
    mois: dict[str, tuple[int, int]]


def bilan_of(image: Image, found: Retrospective) -> Bilan:
    """Count what `dispatching.retrospective.look_back` found in that image."""
    en_plus, en_moins = image.compare(found.avec.toutes, found.sans.toutes)
    return Bilan(
        found.depuis.date(),
        found.evenements,
        _cote(image, found.sans),
        _cote(image, found.avec),
        len(en_plus),
        len(en_moins),
        found.months(image),
    )


def _cote(image: Image, remises: Remises) -> Cote:
    demandes = len(set(image.numeros.valeurs[remises.toutes].tolist()))
    sorties = len(remises.sorties_droits) + len(remises.sorties_filtres)
    return Cote(len(remises.premieres), len(remises.suites), sorties, demandes)

"""The part of `echangeur filtre essayer` that looks at the past: what a draft would have delivered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Engine

from dispatching.decision import Sortie
from dispatching.passe import MOIS, Passe, start_of
from dispatching.retrospective import Remises, Retrospective, look_back
from echangeur.images import PASSE, followed
from echangeur.instance import Instance
from echangeur.sortie import MauvaisUsage, print_fiche, print_table, say
from filters.image import Image
from filters.language import Filtre
from registry.clock import Clock
from registry.controles import PARIS
from registry.guichets import Guichet

_SUR: Final = re.compile(r"([0-9]{1,2})[- ]mois", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cote:
    """What the guichet would have received. sorties: notices that it receives a demande no more. demandes:
    how many different ones."""

    premieres: int
    suites: int
    sorties: int
    demandes: int


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

    def value(self) -> dict[str, object]:
        return {
            "depuis": self.depuis,
            "evenements": self.evenements,
            "sans": self.sans,
            "avec": self.avec,
            "en_plus": self.en_plus,
            "en_moins": self.en_moins,
            "par_mois": {mois: {"sans": sans, "avec": avec} for mois, (sans, avec) in self.mois.items()},
        }

    def tell(self) -> None:
        print_fiche(
            [
                ("événements passés", f"{self.evenements} depuis le {self.depuis:%d/%m/%Y}"),
                ("aurait reçu avec lui", _told(self.avec)),
                ("aurait reçu sans lui", _told(self.sans)),
                ("différence", f"+{self.en_plus} / −{self.en_moins}"),
            ]
        )
        if self.mois:
            say("")
            rows = [(mois, sans, avec) for mois, (sans, avec) in self.mois.items()]
            print_table(("mois", "sans lui", "avec lui"), rows, vide="")


def months_of(sur: str) -> int:
    """The number of months of ``--sur``; 0 when it is empty. Raises MauvaisUsage."""
    if not sur:
        return 0
    found = _SUR.fullmatch(sur)
    if found is None or not 1 <= int(found[1]) <= MOIS:
        raise MauvaisUsage(f"« {sur} » n'est pas une durée.", f"Écrivez 1-mois à {MOIS}-mois.")
    return int(found[1])


def look_at_past(
    instance: Instance,
    engine: Engine,
    clock: Clock,
    guichet: Guichet,
    filtres: Sequence[Filtre],
    contre: str,
    mois: int,
) -> Iterator[Bilan]:
    """The drafts of a guichet, one after the other."""
    sortie = Sortie(instance.configuration.distribution.sortie)
    depuis = start_of(clock.now().astimezone(PARIS).date(), mois)
    passe = Passe(instance.dossier / PASSE)
    with followed(passe, "Événements passés", engine, clock) as image, engine.connect() as conn:
        for filtre in filtres:
            remplace = contre or filtre.nom
            yield _bilan(image, look_back(conn, image, guichet.code, filtre, remplace, depuis, sortie))


def _bilan(image: Image, found: Retrospective) -> Bilan:
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


def _told(cote: Cote) -> str:
    total = cote.premieres + cote.suites + cote.sorties
    return (
        f"{total} distributions, dont {cote.suites} suites et {cote.sorties} sorties, "
        f"de {cote.demandes} demandes"
    )

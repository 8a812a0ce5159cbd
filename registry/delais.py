"""The délai anormalement long: after how many months without a suitable offer a demande is late (regles §8).

A préfet sets it for a zone (commune, EPCI, département, or the whole territory) and a size of dwelling, or
all of them. Pure: the lines come from the table `delai_anormal`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from schemas import cog


@dataclass(frozen=True, slots=True)
class Delai:
    """One line of an arrêté. zone: INSEE code, SIREN of an EPCI, département, or '' (whole territory);
    typologie: code of ListeTypeLogement, or '' (all)."""

    zone: str
    typologie: str
    valide_du: date
    mois: int


def zones_of(commune: str) -> tuple[str, ...]:
    """The zones that hold a commune, the narrowest first; the last one, '', is the whole territory."""
    found = cog.commune(commune)
    if found is None:
        return (commune, "")
    narrow = (commune, found.commune_mere, found.epci, found.epci_fiscal, found.departement)
    return (*dict.fromkeys(zone for zone in narrow if zone), "")


def find_delai(delais: Iterable[Delai], commune: str, typologie: str, jour: date) -> Delai | None:
    """The line that holds for a commune and a size on a day, or None: the narrowest zone wins, then the size
    that is named over all of them, then the latest arrêté not after the day ([ATT-7] [GPE-30])."""
    rangs = {zone: rang for rang, zone in enumerate(zones_of(commune))}
    candidats = [
        delai
        for delai in delais
        if delai.zone in rangs and delai.typologie in ("", typologie) and delai.valide_du <= jour
    ]
    if not candidats:
        return None
    return min(
        candidats,
        key=lambda delai: (rangs[delai.zone], not delai.typologie, -delai.valide_du.toordinal()),
    )

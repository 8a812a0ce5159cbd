"""The world of the load run: 1,600 guichets of the whole country, their filters, and how each answers.

A guichet has a territory, drawn by population, and some twelve filters in it: few have many, most have few.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from bench.partenaires_simules import Conduite
from bench.tirage_filtres import draw_filtre, populations
from filters.language import Filtre
from filters.store import VersionFiltre, save_filtre
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet
from schemas import territoires
from schemas.tirage import Tirage

GRAINE: Final = 20261129
AUTEUR: Final = "G9999"
"""Registers everywhere; receives nothing."""

_TYPES: Final = {
    TypeGuichet.BAILLEUR: 60,
    TypeGuichet.COMMUNE: 25,
    TypeGuichet.EPCI: 10,
    TypeGuichet.AUTRE: 5,
}

CONDUITES: Final = {
    Conduite.RAPIDE: (88.0, 0.04),
    Conduite.LENT: (5.0, 0.3),
    Conduite.CAPRICIEUX: (4.0, 0.04),
    Conduite.ETEINT: (2.0, 0.0),
    Conduite.FIGE: (1.0, 0.0),
}
"""Share of the guichets, in percent, and median of their delays, in seconds."""

SAINES: Final = (Conduite.RAPIDE,)
"""Those whose latency has an aim: they answer, at once, always."""


@dataclass(frozen=True, slots=True)
class Simule:
    """A guichet, its filters, and how it answers. mediane: of its delays, in seconds."""

    nouveau: NouveauGuichet
    filtres: tuple[Filtre, ...]
    conduite: Conduite
    mediane: float


def draw(guichets: int, filtres: int) -> list[Simule]:
    """So many guichets that have so many filters in all."""
    t = Tirage(random.Random(GRAINE))
    weights = [t.rng.lognormvariate(0, 1) for _ in range(guichets)]
    # One each at least, the rest by weight.
    shares = t.rng.choices(range(guichets), weights, k=max(filtres - guichets, 0))
    counts = [1] * guichets
    for rang in shares:
        counts[rang] += 1
    shares_of = {conduite: share for conduite, (share, _) in CONDUITES.items()}
    return [_draw(t, f"G{1 + rang:04}", counts[rang], t.pese(shares_of)) for rang in range(guichets)]


def _draw(t: Tirage, code: str, filtres: int, conduite: Conduite) -> Simule:
    territoire = t.pese(populations())
    type_ = t.pese(_TYPES)
    commune = t.commune(territoire)
    perimetre = {TypeGuichet.COMMUNE: commune.code, TypeGuichet.EPCI: commune.epci}.get(type_, "")
    if type_ is TypeGuichet.EPCI and not perimetre:
        type_ = TypeGuichet.BAILLEUR
    nouveau = NouveauGuichet(code, f"Guichet {code}", type_, "", frozenset({territoire}), perimetre)
    drawn = tuple(draw_filtre(t, f"F{rang}", territoire) for rang in range(filtres))
    return Simule(nouveau, drawn, conduite, CONDUITES[conduite][1])


def settle(conn: Connection, simules: list[Simule], adresses: Mapping[str, str], instant: datetime) -> int:
    """Register the author, the guichets and their filters; how many filters there are."""
    every = frozenset(territoires.territoires())
    auteur = NouveauGuichet(AUTEUR, "Système particulier", TypeGuichet.AUTRE, "", every)
    assert isinstance(add_guichet(conn, auteur, instant=instant), Guichet)
    kept = 0
    for simule in simules:
        code = simule.nouveau.code
        nouveau = NouveauGuichet(
            code,
            simule.nouveau.nom,
            simule.nouveau.type,
            "",
            simule.nouveau.territoires,
            simule.nouveau.perimetre,
            adresse_reception=adresses[code],
        )
        added = add_guichet(conn, nouveau, instant=instant)
        assert isinstance(added, Guichet), added
        for filtre in simule.filtres:
            # A contradiction drawn by chance is refused, as it is to whoever writes it.
            kept += isinstance(save_filtre(conn, code, filtre, instant=instant), VersionFiltre)
    return kept

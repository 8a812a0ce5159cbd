"""The world of the load run: 1,600 guichets of the whole country, their filters, and how each answers.

A guichet has a territory, drawn by population, and some twelve filters in it: few have many, most have few.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, insert

from bench.partenaires_simules import Conduite
from bench.tirage_filtres import draw_filtre, populations
from filters.language import Filtre, conditions_to_json
from filters.tables import FILTRE, FILTRE_VERSION
from registry.generations import Generation, bump
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

SAINES: Final = (Conduite.RAPIDE, Conduite.LENT)
"""Those whose latency has an aim: they always answer. A failure is tried again after five seconds: one in a
hundred is beyond the aim whatever we do."""


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


def settle(engine: Engine, simules: Iterable[Simule], adresses: Mapping[str, str], instant: datetime) -> None:
    """Register the author, the guichets and their filters.

    The filters of a guichet in two statements, as `filters.store` would write them one by one: all of them
    take seconds in place of minutes.
    """
    every = frozenset(territoires.territoires())
    auteur = NouveauGuichet(AUTEUR, "Système particulier", TypeGuichet.AUTRE, "", every)
    with engine.begin() as conn:
        assert isinstance(add_guichet(conn, auteur, instant=instant), Guichet)
    for simule in simules:
        nouveau = replace(simule.nouveau, adresse_reception=adresses[simule.nouveau.code])
        with engine.begin() as conn:
            added = add_guichet(conn, nouveau, instant=instant)
            assert isinstance(added, Guichet), added
            _save_all(conn, simule, instant)


def _save_all(conn: Connection, simule: Simule, instant: datetime) -> None:
    generation = bump(conn, Generation.FILTRES)
    rows = [{"guichet": simule.nouveau.code, "nom": filtre.nom} for filtre in simule.filtres]
    made = conn.execute(insert(FILTRE).returning(FILTRE.c.id, sort_by_parameter_order=True), rows).scalars()
    versions = [
        {
            "filtre": identifiant,
            "version": 1,
            "conditions": conditions_to_json(filtre),
            "effet_le": instant,
            "cree_le": instant,
            "generation": generation,
        }
        for identifiant, filtre in zip(made, simule.filtres, strict=True)
    ]
    conn.execute(insert(FILTRE_VERSION), versions)

"""Filters as guichets write them, drawn: mostly a place and a type, sometimes much more.

A guichet has a territory, by population, and asks for its commune, some neighbours, its EPCI or the whole
territory; one in a hundred asks for the whole country. Some five filters in a thousand then take a demande.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Final

from filters.criteria import CRITERE
from filters.genres import CritereCodes
from filters.language import AnyCondition, Condition, Filtre, Intervalle, ordered
from schemas import cog, territoires
from schemas.tirage import Tirage

_PLACES: Final = {"commune": 34, "voisines": 32, "epci": 24, "territoire": 9, "pays": 1}


def draw_filtres(rng: random.Random, count: int) -> list[Filtre]:
    """So many filters."""
    t = Tirage(rng)
    return [_draw(t, f"F{rank}") for rank in range(count)]


def draw_filtre(t: Tirage, nom: str, territoire: str) -> Filtre:
    """One of a guichet of that territory."""
    return _draw(t, nom, territoire)


def _draw(t: Tirage, nom: str, territoire: str = "") -> Filtre:
    conditions = [make(t) for chance, make in _CHANCES if t.peut(chance)]
    return ordered(nom, [*_place(t, territoire or t.pese(populations())), *conditions])


@cache
def populations() -> dict[str, int]:
    """Inhabitants by territory."""
    found = dict.fromkeys(territoires.territoires(), 0)
    for commune in cog.communes():
        territoire = territoires.territoire_of(commune.code)
        if territoire is not None and not commune.commune_mere:
            found[territoire] += commune.population
    return found


def _place(t: Tirage, territoire: str) -> list[Condition]:
    kind = t.pese(_PLACES)
    if kind == "pays":
        return []
    if kind == "territoire":
        return [_codes("territoires", territoire)]
    commune = t.commune(territoire)
    if kind == "epci" and commune.epci:
        return [_codes("epci", commune.epci)]
    if kind == "voisines":
        near = sorted(cog.communes_of_epci(commune.epci)) or [commune.code]
        return [_codes("communes", commune.code, *t.rng.sample(near, min(len(near), t.entre(2, 15))))]
    return [_codes("communes", commune.code)]


@cache
def _condition(critere: str, codes: frozenset[str], *, excluded: bool, absent: bool) -> Condition:
    """Shared: a million filters would otherwise hold as many equal conditions."""
    nothing: frozenset[str] = frozenset()
    return Condition(critere, nothing if excluded else codes, codes if excluded else nothing, absent)


def _codes(critere: str, *codes: str) -> Condition:
    return Condition(critere, frozenset(codes))


def _some(
    critere: str, low: int, high: int, *, excluded: bool = False, absent: bool = False
) -> Callable[[Tirage], AnyCondition]:
    found = CRITERE[critere]
    assert isinstance(found, CritereCodes)
    codes = found.codes

    def make(t: Tirage) -> AnyCondition:
        drawn = frozenset(t.rng.sample(codes, t.entre(low, high)))
        return _condition(critere, drawn, excluded=excluded, absent=absent)

    return make


def _exactly(critere: str, code: str) -> Callable[[Tirage], AnyCondition]:
    return lambda _: _condition(critere, frozenset({code}), excluded=False, absent=False)


@cache
def _interval(critere: str, mini: int | None, maxi: int | None, *, absent: bool) -> Intervalle:
    return Intervalle(critere, mini, maxi, absent=absent)


def _between(critere: str, low: int, high: int, step: int) -> Callable[[Tirage], AnyCondition]:
    """Bounds are round numbers, as people write them."""

    def make(t: Tirage) -> AnyCondition:
        first, last = sorted(t.rng.choices(range(low, high + 1, step), k=2))
        mini, maxi = t.parmi(((first, None), (None, last), (first, last)))
        return _interval(critere, mini, maxi, absent=t.peut(0.3))

    return make


_CHANCES: Final[tuple[tuple[float, Callable[[Tirage], AnyCondition]], ...]] = (
    (0.55, _some("types_logement", 1, 3)),
    (0.08, _some("categories", 1, 1)),
    (0.15, _some("motifs", 3, 10)),
    (0.12, _some("logement_actuel", 1, 3, excluded=True, absent=True)),
    (0.06, _some("situation_familiale", 1, 3)),
    (0.08, _some("composition", 1, 3)),
    (0.03, _some("nationalite", 1, 2)),
    (0.10, _some("contrats", 2, 4)),
    (0.05, _some("types_ressources", 1, 3, excluded=True, absent=True)),
    (0.12, _exactly("dalo", "ACTIF")),
    (0.10, _some("evenements", 1, 4)),
    (0.06, _exactly("handicap", "OUI")),
    (0.04, _exactly("portail", "OUI")),
    (0.05, _exactly("nature_demandeur", "PERSONNE")),
    (0.25, _between("nombre_personnes", 1, 8, 1)),
    (0.08, _between("nombre_enfants", 0, 5, 1)),
    (0.12, _between("age_demandeur", 18, 80, 5)),
    (0.20, _between("revenu_fiscal", 5_000, 50_000, 1_000)),
    (0.15, _between("ressources_mensuelles", 500, 4_000, 100)),
    (0.10, _between("ressources_uc", 6_000, 30_000, 1_000)),
    (0.20, _between("loyer_max", 250, 1_200, 50)),
    (0.12, _between("anciennete", 0, 120, 6)),
)

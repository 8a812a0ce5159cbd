"""Drawing plausible values: names, communes by their population, dates, amounts."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import TypeVar

from schemas import cog, territoires
from schemas.ecriture import Element

T = TypeVar("T")


@cache
def lines(name: str) -> tuple[tuple[str, ...], ...]:
    """Rows of a file of `schemas/exemples/`, without its header."""
    text = (files("schemas") / "exemples" / f"{name}.csv").read_text(encoding="utf-8")
    return tuple(tuple(line.split(";")) for line in text.splitlines()[1:])


@cache
def _prenoms(sexe: str) -> tuple[str, ...]:
    return tuple(prenom for prenom, s in lines("prenoms") if s == sexe)


@cache
def _weighted_communes(territoire: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Communes of a territory that people ask for, and their cumulated populations.

    Paris, Lyon and Marseille are left out for their arrondissements.
    """
    codes = sorted(territoires.communes_of_territoire(territoire))
    if not codes:
        raise ValueError(f"territoire inconnu : {territoire!r}")
    kept, weights = [], []
    for code in codes:
        found = cog.commune(code)
        if found and found.population and len(cog.communes_of_ville(code)) == 1:
            kept.append(code)
            weights.append(found.population)
    return tuple(kept), tuple(accumulate(weights))


@cache
def _neighbours(epci: str, territoire: str) -> tuple[str, ...]:
    return tuple(sorted(cog.communes_of_epci(epci) & territoires.communes_of_territoire(territoire)))


class Tirage:
    """A source of chance with the draws that a generator needs.

    complet: every option is taken, so that a document holds every element that its kind allows.
    """

    def __init__(self, rng: random.Random, *, complet: bool = False) -> None:
        self.rng = rng
        self.complet = complet

    def peut(self, probability: float) -> bool:
        """True with that probability."""
        return self.complet or self.rng.random() < probability

    def si(self, probability: float, element: Element) -> Element | None:
        """`element` with that probability, else None."""
        return element if self.peut(probability) else None

    def parmi(self, values: Sequence[T]) -> T:
        """One of them, all alike."""
        return values[int(self.rng.random() * len(values))]

    def pese(self, weights: Mapping[T, float]) -> T:
        """One of the keys, by weight."""
        return self.rng.choices(tuple(weights), tuple(weights.values()))[0]

    def entre(self, low: int, high: int) -> int:
        """An integer, both bounds included."""
        return low + int(self.rng.random() * (high - low + 1))

    def jour(self, low: date, high: date) -> date:
        """A day, both bounds included."""
        return low + timedelta(days=self.entre(0, (high - low).days))

    def nom(self) -> str:
        return self.parmi(lines("noms"))[0]

    def prenom(self, sexe: str) -> str:
        """sexe: F or M."""
        return self.parmi(_prenoms(sexe))

    def commune(self, territoire: str) -> cog.Commune:
        """By population. Raises ValueError for an unknown territory."""
        codes, cumulated = _weighted_communes(territoire)
        found = cog.commune(codes[bisect(cumulated, self.rng.random() * cumulated[-1])])
        assert found is not None
        return found

    def communes(self, territoire: str) -> tuple[str, ...]:
        """One to five wished communes: a first by population, the others mostly of the same EPCI."""
        first = self.commune(territoire)
        wished = {first.code: None}
        count = self.pese({1: 45, 2: 20, 3: 17, 4: 8, 5: 10})
        near = _neighbours(first.epci, territoire)
        for _ in range(count - 1):
            other = self.parmi(near) if near and self.rng.random() < 0.8 else self.commune(territoire).code
            wished.setdefault(other, None)
        return tuple(wished)

    def montant(self, median: float, spread: float, low: int, high: int) -> int:
        """Euros, log-normal around a median, within bounds."""
        return min(high, max(low, int(self.rng.lognormvariate(0.0, spread) * median)))

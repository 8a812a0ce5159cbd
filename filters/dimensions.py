"""One criterion of the matching index: which filters refuse the value that a demande has for it.

The sets kept are those of the filters that put a condition, hence a filter touches only its own criteria.
What refuses a value is computed from them once per value and kept until a filter changes the criterion:
values of codes are few, and numbers are as many as the intervals between the bounds that filters use.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final

from pyroaring import BitMap

from filters.genres import Critere, CritereNombre, Valeur
from filters.language import AnyCondition, Condition, Intervalle

_KEPT: Final = 512
"""Values of one criterion for which the refusing filters are kept."""
_EMPTY: Final = BitMap()


@dataclass
class _Dimension:
    """put: the filters with a condition on the criterion. refusing: by value of a demande, lazily."""

    put: BitMap = field(default_factory=BitMap)
    refusing: dict[Hashable, BitMap] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.put)

    def _kept(self, key: Hashable, refusing: BitMap) -> BitMap:
        if len(self.refusing) >= _KEPT:
            self.refusing.clear()
        self.refusing[key] = refusing
        return refusing


@dataclass
class DimensionCodes(_Dimension):
    """For codes.

    open: filters that require no code in particular. wanting, excluding: filters by code that they require
    or exclude. sans: filters that accept a demande which says nothing.
    """

    open: BitMap = field(default_factory=BitMap)
    wanting: dict[str, BitMap] = field(default_factory=dict)
    excluding: dict[str, BitMap] = field(default_factory=dict)
    sans: BitMap = field(default_factory=BitMap)

    def add(self, key: int, condition: AnyCondition) -> None:
        assert isinstance(condition, Condition)
        self.refusing.clear()
        self.put.add(key)
        if condition.absent:
            self.sans.add(key)
        if not condition.valeurs:
            self.open.add(key)
        _add(self.wanting, condition.valeurs, key)
        _add(self.excluding, condition.exclues, key)

    def remove(self, key: int, condition: AnyCondition) -> None:
        assert isinstance(condition, Condition)
        self.refusing.clear()
        self.put.discard(key)
        self.sans.discard(key)
        self.open.discard(key)
        _discard(self.wanting, condition.valeurs, key)
        _discard(self.excluding, condition.exclues, key)

    def restrict(self, found: BitMap, valeur: Valeur) -> None:
        """Take out of `found` the filters that refuse these codes."""
        known = self.refusing.get(valeur)
        found -= self._kept(valeur, self._refusing(self.put, valeur)) if known is None else known

    def _refusing(self, concerned: BitMap, valeur: Valeur) -> BitMap:
        assert isinstance(valeur, frozenset)
        if not valeur:
            return concerned - self.sans
        accepting = self.open.copy()
        for code in valeur:
            accepting |= self.wanting.get(code, _EMPTY)
        for code in valeur:
            accepting -= self.excluding.get(code, _EMPTY)
        return concerned - accepting


@dataclass
class DimensionLieux(DimensionCodes):
    """For codes too many to be worth keeping: what refuses them is looked for among those reached only."""

    def restrict(self, found: BitMap, valeur: Valeur) -> None:
        concerned = found & self.put
        if concerned:
            found -= self._refusing(concerned, valeur)


@dataclass
class DimensionNombres(_Dimension):
    """For numbers. by_condition: the filters by distinct condition.

    bounds: the numbers from which some condition changes its answer, in order; None when not known.
    """

    by_condition: dict[Intervalle, BitMap] = field(default_factory=dict)
    bounds: list[int] | None = field(default=None, compare=False)

    def add(self, key: int, condition: AnyCondition) -> None:
        assert isinstance(condition, Intervalle)
        self._forget()
        self.put.add(key)
        self.by_condition.setdefault(condition, BitMap()).add(key)

    def remove(self, key: int, condition: AnyCondition) -> None:
        assert isinstance(condition, Intervalle)
        self._forget()
        self.put.discard(key)
        self.by_condition[condition].discard(key)
        if not self.by_condition[condition]:
            del self.by_condition[condition]

    def restrict(self, found: BitMap, valeur: Valeur) -> None:
        """Take out of `found` the filters that refuse this number."""
        assert not isinstance(valeur, frozenset)
        if self.bounds is None:
            self.bounds = sorted({bound for c in self.by_condition for bound in _bounds_of(c)})
        key = None if valeur is None else bisect_right(self.bounds, valeur)
        known = self.refusing.get(key)
        found -= self._kept(key, self._refusing(valeur)) if known is None else known

    def _refusing(self, valeur: int | None) -> BitMap:
        # The answer is that of every number between the same two bounds.
        return BitMap.union(
            _EMPTY, *(keys for condition, keys in self.by_condition.items() if not condition.accepte(valeur))
        )

    def _forget(self) -> None:
        self.refusing.clear()
        self.bounds = None


Dimension = DimensionCodes | DimensionNombres


def dimension_of(critere: Critere) -> Dimension:
    """An empty dimension for a criterion."""
    if isinstance(critere, CritereNombre):
        return DimensionNombres()
    return DimensionCodes() if critere.codes else DimensionLieux()


def _bounds_of(condition: Intervalle) -> Iterable[int]:
    if condition.mini is not None:
        yield condition.mini
    if condition.maxi is not None:
        yield condition.maxi + 1


def _add(sets: dict[str, BitMap], values: Iterable[str], key: int) -> None:
    for value in values:
        sets.setdefault(value, BitMap()).add(key)


def _discard(sets: dict[str, BitMap], values: Iterable[str], key: int) -> None:
    for value in values:
        found = sets[value]
        found.discard(key)
        if not found:
            del sets[value]

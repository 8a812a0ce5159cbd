"""One criterion of the matching index: which filters refuse the value that a demande has for it.

The sets kept are those of the filters that put a condition, hence a filter touches only its own criteria.
What refuses a value is computed from them once per value, then kept up to date: values of codes are few, and
numbers are as many as the intervals between the bounds that filters use.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pyroaring import BitMap

from filters.genres import Critere, CritereNombre, Valeur
from filters.language import AnyCondition, Condition, Intervalle

_KEPT: Final = 512
"""Values of one criterion for which the refusing filters are kept."""
_EMPTY: Final = BitMap()


@dataclass
class DimensionCodes:
    """For codes.

    put: the filters with a condition on the criterion. open: those that require no code in particular.
    wanting, excluding: by code that they require or exclude. sans: those that accept a demande which says
    nothing. refusing: those that refuse a value, by value of a demande; filled by `refuse`.
    """

    put: BitMap = field(default_factory=BitMap)
    open: BitMap = field(default_factory=BitMap)
    wanting: dict[str, BitMap] = field(default_factory=dict)
    excluding: dict[str, BitMap] = field(default_factory=dict)
    sans: BitMap = field(default_factory=BitMap)
    refusing: dict[Valeur, BitMap] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.put)

    def add(self, key: int, condition: AnyCondition) -> None:
        assert isinstance(condition, Condition)
        self.put.add(key)
        if condition.absent:
            self.sans.add(key)
        if not condition.valeurs:
            self.open.add(key)
        add_to(self.wanting, condition.valeurs, key)
        add_to(self.excluding, condition.exclues, key)
        for valeur, keys in self.refusing.items():
            if not condition.accepte(valeur):
                keys.add(key)

    def remove(self, key: int, condition: AnyCondition) -> None:
        assert isinstance(condition, Condition)
        for keys in (self.put, self.open, self.sans, *self.refusing.values()):
            keys.discard(key)
        _discard(self.wanting, condition.valeurs, key)
        _discard(self.excluding, condition.exclues, key)

    def refuse(self, valeur: Valeur) -> BitMap:
        """The filters that refuse these codes. Not to be changed by the caller."""
        return _keep(self.refusing, valeur, self.refusing_among(self.put, valeur))

    def refusing_among(self, concerned: BitMap, valeur: Valeur) -> BitMap:
        """Those that refuse these codes among filters that put a condition."""
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
class DimensionNombres:
    """For numbers.

    put, refusing: as for codes. by_condition: the filters by distinct condition.
    bounds: the numbers from which some condition changes its answer, in order; some may be out of use.
    between: the filters that refuse the numbers between two bounds, by rank of the second; None: no number.
    The sets of `refusing` are those of `between`.
    """

    put: BitMap = field(default_factory=BitMap)
    by_condition: dict[Intervalle, BitMap] = field(default_factory=dict)
    refusing: dict[Valeur, BitMap] = field(default_factory=dict, compare=False)
    bounds: list[int] = field(default_factory=list, compare=False)
    between: dict[int | None, BitMap] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.put)

    def add(self, key: int, condition: AnyCondition) -> None:
        assert isinstance(condition, Intervalle)
        self.put.add(key)
        self.by_condition.setdefault(condition, BitMap()).add(key)
        if not self.between:
            return
        if not all(bound in self.bounds for bound in _bounds_of(condition)):
            # The intervals are no longer the same.
            self.refusing.clear()
            self.between.clear()
            return
        for rank, keys in self.between.items():
            if not condition.accepte(None if rank is None else self._number(rank)):
                keys.add(key)

    def remove(self, key: int, condition: AnyCondition) -> None:
        assert isinstance(condition, Intervalle)
        for keys in (self.put, *self.between.values()):
            keys.discard(key)
        self.by_condition[condition].discard(key)
        if not self.by_condition[condition]:
            del self.by_condition[condition]

    def refuse(self, valeur: Valeur) -> BitMap:
        """The filters that refuse this number. Not to be changed by the caller."""
        assert not isinstance(valeur, frozenset)
        if not self.between:
            self.bounds = sorted({bound for c in self.by_condition for bound in _bounds_of(c)})
        rank = None if valeur is None else bisect_right(self.bounds, valeur)
        if rank not in self.between:
            refused = (keys for c, keys in self.by_condition.items() if not c.accepte(valeur))
            self.between[rank] = BitMap.union(_EMPTY, *refused)
        return _keep(self.refusing, valeur, self.between[rank])

    def _number(self, rank: int) -> int:
        """A number of that rank."""
        return self.bounds[rank - 1] if rank else self.bounds[0] - 1


Dimension = DimensionCodes | DimensionNombres


def dimension_of(critere: Critere) -> Dimension:
    """An empty dimension for a criterion."""
    return DimensionNombres() if isinstance(critere, CritereNombre) else DimensionCodes()


def _keep(refusing: dict[Valeur, BitMap], valeur: Valeur, keys: BitMap) -> BitMap:
    if len(refusing) >= _KEPT:
        refusing.clear()
    refusing[valeur] = keys
    return keys


def _bounds_of(condition: Intervalle) -> Iterable[int]:
    if condition.mini is not None:
        yield condition.mini
    if condition.maxi is not None:
        yield condition.maxi + 1


def add_to(sets: dict[str, BitMap], values: Iterable[str], key: int) -> None:
    """Add a key to the sets of these values, made when there is none."""
    for value in values:
        found = sets.get(value)
        # Not `setdefault`, which would make a set each time: a third of what adding a filter costs.
        if found is None:
            sets[value] = BitMap((key,))
        else:
            found.add(key)


def _discard(sets: dict[str, BitMap], values: Iterable[str], key: int) -> None:
    for value in values:
        found = sets[value]
        found.discard(key)
        if not found:
            del sets[value]

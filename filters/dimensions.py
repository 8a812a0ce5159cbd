"""One criterion of the matching index: which filters refuse the value that a demande has for it.

The sets kept are those of the filters that put a condition, hence a filter touches only its own criteria.
What refuses a value is computed from them once per value, then kept up to date: values of codes are few, and
numbers are as many as the intervals between the bounds that filters use.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pyroaring import BitMap

from filters.genres import Critere, CritereNombre, Valeur
from filters.language import AnyCondition, Condition, Intervalle

_KEPT: Final = 512
"""Values of one criterion for which the refusing filters are kept."""
_EMPTY: Final = BitMap()


Posee = tuple[AnyCondition, list[int]]
"""A condition and the filters that put it: a set is made of many at once, five times as fast as one by
one."""


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

    def add(self, posees: Collection[Posee]) -> None:
        """The filters that put these conditions."""
        sans: list[int] = []
        opened: list[int] = []
        for condition, keys in posees:
            assert isinstance(condition, Condition)
            if condition.absent:
                sans += keys
            if not condition.valeurs:
                opened += keys
            for valeur, refused in self.refusing.items():
                if not condition.accepte(valeur):
                    refused.update(keys)
        self.put.update(_keys_of(posees))
        self.sans.update(sans)
        self.open.update(opened)
        add_to(self.wanting, by_code(posees, "valeurs"))
        add_to(self.excluding, by_code(posees, "exclues"))

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

    def add(self, posees: Collection[Posee]) -> None:
        """The filters that put these conditions."""
        self.put.update(_keys_of(posees))
        for condition, keys in posees:
            assert isinstance(condition, Intervalle)
            self.by_condition.setdefault(condition, BitMap()).update(keys)
            if not self.between:
                continue
            if not all(bound in self.bounds for bound in _bounds_of(condition)):
                # The intervals are no longer the same.
                self.refusing.clear()
                self.between.clear()
                continue
            for rank, refused in self.between.items():
                if not condition.accepte(None if rank is None else self._number(rank)):
                    refused.update(keys)

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


def add_to(sets: dict[str, BitMap], keys: Mapping[str, list[int]]) -> None:
    """Add these keys to the sets of these values, made when there is none."""
    for value, added in keys.items():
        found = sets.get(value)
        if found is None:
            sets[value] = BitMap(added)
        else:
            found.update(added)


def by_code(posees: Iterable[Posee], of: Literal["valeurs", "exclues"]) -> dict[str, list[int]]:
    """The filters by code that their conditions require, or exclude."""
    found: dict[str, list[int]] = {}
    for condition, keys in posees:
        assert isinstance(condition, Condition)
        for code in condition.valeurs if of == "valeurs" else condition.exclues:
            known = found.get(code)
            if known is None:
                found[code] = keys.copy()
            else:
                known += keys
    return found


def _keys_of(posees: Iterable[Posee]) -> list[int]:
    return [key for _, keys in posees for key in keys]


def _discard(sets: dict[str, BitMap], values: Iterable[str], key: int) -> None:
    for value in values:
        found = sets[value]
        found.discard(key)
        if not found:
            del sets[value]

"""In which order the criteria of the index are asked, and which of them are asked together.

Criteria of few values under one heading are asked at once: what refuses « a couple of four with two
children » is kept as one set. A plan is made again after each change of filters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, Protocol

from pyroaring import BitMap

from filters.criteria import CRITERE
from filters.dimensions import Dimension, DimensionCodes
from filters.genres import Critere, CritereCodes, Valeur

_FEW: Final = 50
"""Numbers that never go beyond this are of few values: persons, children."""
_KEPT: Final = 512


class Step(Protocol):
    """What refuses a value, or several values together."""

    def refuse(self, key: Any) -> BitMap: ...


class Groupe:
    """Dimensions that are asked together. known: the filters that refuse these values, by values."""

    def __init__(self, dimensions: Sequence[Dimension]) -> None:
        self._dimensions = dimensions
        self.known: dict[tuple[Valeur, ...], BitMap] = {}

    def refuse(self, key: tuple[Valeur, ...]) -> BitMap:
        """The filters that refuse one of these values. Not to be changed by the caller."""
        if len(self.known) >= _KEPT:
            self.known.clear()
        sets = (each.refuse(value) for each, value in zip(self._dimensions, key, strict=True))
        found = self.known[key] = BitMap.union(BitMap(), *sets)
        return found


class Plan:
    """The steps of a match.

    names: the criteria whose values are wanted. steps: how to pick from these values those of the step, the
    sets that it has kept for them, and who makes those that it has not. others: the criteria of too many
    codes to keep anything; what refuses a value is looked for among what is left at the end.
    """

    def __init__(self, dimensions: Mapping[str, Dimension]) -> None:
        self.others: list[tuple[str, DimensionCodes]] = []
        together: dict[str, list[str]] = {}
        for name, dimension in dimensions.items():
            critere = CRITERE[name]
            if isinstance(dimension, DimensionCodes) and _is_open(critere):
                self.others.append((name, dimension))
            else:
                together.setdefault(critere.rubrique if _is_small(critere) else name, []).append(name)
        # Those that most filters use first: they take out most, and those that follow have less to look at.
        groups = sorted(together.values(), key=lambda names: -max(len(dimensions[name]) for name in names))
        self.names = [name for names in groups for name in names]
        self.steps: list[tuple[Callable[[list[Valeur]], Any], Mapping[Any, BitMap], Step]] = []
        start = 0
        for names in groups:
            pick = itemgetter(*range(start, start + len(names)))
            start += len(names)
            if len(names) == 1:
                alone = dimensions[names[0]]
                self.steps.append((pick, alone.refusing, alone))
            else:
                groupe = Groupe([dimensions[name] for name in names])
                self.steps.append((pick, groupe.known, groupe))


def _is_open(critere: Critere) -> bool:
    return isinstance(critere, CritereCodes) and not critere.codes


def _is_small(critere: Critere) -> bool:
    return not critere.multiple if isinstance(critere, CritereCodes) else critere.maxi <= _FEW

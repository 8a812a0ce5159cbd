"""The matching index: one demande against all filters, in memory.

Geography is by far the most selective dimension, so each filter is *posted* under the values of its first
condition, geography first (CRITERES order: commune, EPCI, territory, type); a filter without condition is in
`_tout`. A demande reaches the postings of its own values. Every further condition is then a set of the
filters that *put* it and, per value, the set of the filters that *accept* it: those that put it and do not
accept any value of the demande are taken out. All sets are compressed bitmaps (roaring).

The cost is that of the reached postings, not of all filters; updating one filter touches only its values.
Not thread-safe: the caller decides under its own lock (the decision holds the one of the chain).
"""

from __future__ import annotations

from collections.abc import Iterable

from pyroaring import BitMap

from filters.criteria import CRITERES
from filters.language import Filtre
from filters.traits import Traits

_EMPTY = BitMap()


class FilterIndex:
    """Filters by integer key. Keys are chosen by the caller, 0 to 2**32 - 1, unique."""

    def __init__(self, filtres: Iterable[tuple[int, Filtre]] = ()) -> None:
        self._filtres: dict[int, Filtre] = {}
        self._tout = BitMap()
        self._posted: dict[str, dict[str, BitMap]] = {critere.nom: {} for critere in CRITERES}
        self._put: dict[str, BitMap] = {critere.nom: BitMap() for critere in CRITERES}
        self._accept: dict[str, dict[str, BitMap]] = {critere.nom: {} for critere in CRITERES}
        for key, filtre in filtres:
            self.add(key, filtre)

    def __len__(self) -> int:
        return len(self._filtres)

    def __getitem__(self, key: int) -> Filtre:
        return self._filtres[key]

    def add(self, key: int, filtre: Filtre) -> None:
        """Add a filter. Raises ValueError when the key is taken."""
        if key in self._filtres:
            raise ValueError(f"clé de filtre déjà prise : {key}")
        self._filtres[key] = filtre
        if not filtre.conditions:
            self._tout.add(key)
            return
        first, *others = filtre.conditions
        for value in first.valeurs:
            self._posted[first.critere].setdefault(value, BitMap()).add(key)
        for condition in others:
            self._put[condition.critere].add(key)
            for value in condition.valeurs:
                self._accept[condition.critere].setdefault(value, BitMap()).add(key)

    def remove(self, key: int) -> None:
        """Take a filter out. Raises KeyError when there is none."""
        filtre = self._filtres.pop(key)
        if not filtre.conditions:
            self._tout.discard(key)
            return
        first, *others = filtre.conditions
        _withdraw(self._posted[first.critere], first.valeurs, key)
        for condition in others:
            self._put[condition.critere].discard(key)
            _withdraw(self._accept[condition.critere], condition.valeurs, key)

    def match(self, traits: Traits) -> BitMap:
        """Keys of the filters that this demande satisfies. The set is the caller's own."""
        reached = self._tout.copy()
        values = {critere.nom: critere.lit(traits) for critere in CRITERES}
        for name, posted in self._posted.items():
            for value in values[name]:
                found = posted.get(value)
                if found is not None:
                    reached |= found
        for name, put in self._put.items():
            concerned = reached & put
            if not concerned:
                continue
            accept = self._accept[name]
            for value in values[name]:
                concerned -= accept.get(value, _EMPTY)
            reached -= concerned
        return reached


def _withdraw(sets: dict[str, BitMap], values: Iterable[str], key: int) -> None:
    for value in values:
        found = sets[value]
        found.discard(key)
        if not found:
            del sets[value]

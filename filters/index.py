"""The matching index: one demande against all filters, in memory ([FIL-20]).

Geography is by far the most selective, so each filter is *posted* under the values of its first condition on
the wished place that requires some (communes, EPCI, départements, territories); a filter without such a
condition is reached by every demande. A demande reaches the union of the postings of its wished communes.
Every other condition then takes out, criterion by criterion (filters.plan), those that refuse the value of
the demande (filters.dimensions). All sets are compressed bitmaps (roaring).

The cost is that of the reached postings and of the criteria that some filter uses, not of all filters;
changing one filter touches only its own values. Not thread-safe: the caller decides under its own lock (the
decision holds the one of the chain).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pyroaring import BitMap

from filters.criteria import CRITERE, LIEUX
from filters.dimensions import Dimension, Posee, add_to, by_code, dimension_of
from filters.language import AnyCondition, Condition, Filtre
from filters.lieux import situation
from filters.plan import Plan
from filters.traits import Traits

_KEPT: Final = 1_024
"""Communes for which the filters reached are kept."""


Posees = dict[int, Posee]
"""What filters put on one criterion, by identity of the condition: filters that are loaded together share
theirs, whose hash costs."""


class FilterIndex:
    """Filters by integer key. Keys are chosen by the caller, 0 to 2**32 - 1, unique."""

    def __init__(self, filtres: Iterable[tuple[int, Filtre]] = ()) -> None:
        self._filtres: dict[int, Filtre] = {}
        self._partout = BitMap()
        self._posted: dict[str, dict[str, BitMap]] = {}
        self._dimensions: dict[str, Dimension] = {}
        # Computed by matches, forgotten when filters change.
        self._plan: Plan | None = None
        self._reached: dict[str, BitMap] = {}
        self.add_all(filtres)

    def __len__(self) -> int:
        return len(self._filtres)

    def __getitem__(self, key: int) -> Filtre:
        return self._filtres[key]

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same filters in the same sets, whatever they have computed since."""
        return isinstance(other, FilterIndex) and self._sets() == other._sets()

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def criteres(self) -> frozenset[str]:
        """The criteria that some filter uses."""
        return frozenset({*self._posted, *self._dimensions})

    def add(self, key: int, filtre: Filtre) -> None:
        """Add a filter. Raises ValueError when the key is taken."""
        self.add_all([(key, filtre)])

    def add_all(self, filtres: Iterable[tuple[int, Filtre]]) -> None:
        """Add filters, many at once: the sets are made condition by condition. Raises ValueError when a key
        is taken, nothing being added then."""
        added = dict(self._new(filtres))
        partout: list[int] = []
        posted: dict[str, Posees] = {}
        put: dict[str, Posees] = {}
        for key, filtre in added.items():
            post, others = _split(filtre)
            if post is None:
                partout.append(key)
            else:
                _note(posted, post, key)
            for condition in others:
                _note(put, condition, key)
        self._forget()
        self._filtres.update(added)
        self._partout.update(partout)
        for name, posees in posted.items():
            add_to(self._posted.setdefault(name, {}), by_code(posees.values(), "valeurs"))
        for name, posees in put.items():
            if name not in self._dimensions:
                self._dimensions[name] = dimension_of(CRITERE[name])
            self._dimensions[name].add(posees.values())

    def _new(self, filtres: Iterable[tuple[int, Filtre]]) -> Iterator[tuple[int, Filtre]]:
        seen: set[int] = set()
        for key, filtre in filtres:
            if key in self._filtres or key in seen:
                raise ValueError(f"clé de filtre déjà prise : {key}")
            seen.add(key)
            yield key, filtre

    def remove(self, key: int) -> None:
        """Take a filter out. Raises KeyError when there is none."""
        post, others = _split(self._filtres.pop(key))
        self._forget()
        if post is None:
            self._partout.discard(key)
        else:
            posted = self._posted[post.critere]
            for value in post.valeurs:
                posted[value].discard(key)
                if not posted[value]:
                    del posted[value]
            if not posted:
                del self._posted[post.critere]
        for condition in others:
            dimension = self._dimensions[condition.critere]
            dimension.remove(key, condition)
            if not dimension:
                del self._dimensions[condition.critere]

    def match(self, traits: Traits) -> BitMap:
        """Keys of the filters that this demande satisfies. The set is the caller's own."""
        plan = self._plan = self._plan or Plan(self._dimensions)
        values = traits.values(plan.names)
        near = [self._reach(commune) for commune in traits.souhaits] or [self._partout]
        reached = left = near[0] if len(near) == 1 else BitMap.union(*near)
        for pick, known, step in plan.steps:
            key = pick(values)
            refusing = known.get(key)
            # A new set each time: twice as fast as changing one in place, measured.
            left = left - (step.refuse(key) if refusing is None else refusing)
        for name, dimension in plan.others:
            concerned = left & dimension.put
            if concerned:
                left = left - dimension.refusing_among(concerned, traits[name])
        return left.copy() if left is reached else left

    def _reach(self, commune: str) -> BitMap:
        """The filters that a demande for this commune reaches."""
        known = self._reached.get(commune)
        if known is None:
            if len(self._reached) >= _KEPT:
                self._reached.clear()
            posted = [
                self._posted[name][value]
                for name, values in zip(LIEUX, situation(commune), strict=True)
                for value in values
                if value in self._posted.get(name, ())
            ]
            known = self._reached[commune] = BitMap.union(self._partout, *posted)
        return known

    def _forget(self) -> None:
        self._plan = None
        self._reached.clear()

    def _sets(self) -> tuple[object, ...]:
        return self._filtres, self._partout, self._posted, self._dimensions


def _note(posees: dict[str, Posees], condition: AnyCondition, key: int) -> None:
    same = posees.get(condition.critere)
    if same is None:
        same = posees[condition.critere] = {}
    known = same.get(id(condition))
    if known is None:
        known = same[id(condition)] = (condition, [])
    known[1].append(key)


def required_place(filtre: Filtre) -> Condition | None:
    """The narrowest condition on the wished place without which the filter takes nothing, if it has one."""
    for condition in filtre.conditions:
        if not isinstance(condition, Condition) or condition.critere not in LIEUX:
            break  # those on the place come first
        if condition.valeurs and not condition.absent:
            return condition
    return None


def _split(filtre: Filtre) -> tuple[Condition | None, list[AnyCondition]]:
    """The condition under which a filter is posted, if any, and those that remain to be checked."""
    place = required_place(filtre)
    if place is None:
        return None, list(filtre.conditions)
    others = [other for other in filtre.conditions if other is not place]
    if place.exclues:
        others.insert(0, Condition(place.critere, exclues=place.exclues))
    return place, others

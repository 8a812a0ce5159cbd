"""The fewest wished communes to add or drop for the conditions on the place to be satisfied, or not.

A filter has at most one condition for each of four criteria of place, hence few ways in which a commune may
serve: those that serve the same conditions are the same to us, and all the ways are tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from filters.criteria import LIEUX
from filters.language import Condition, Filtre
from filters.lieux import communes_in
from filters.traits import traits_from

Wishes = frozenset[str]


def satisfying(filtre: Filtre, souhaits: Wishes) -> Wishes | None:
    """Other wishes, as near as possible, that satisfy all the conditions on the place; None: none do."""
    conditions = _on_place(filtre)
    kept = souhaits - _excluded(conditions)
    needed = [c for c in conditions if c.valeurs]
    for tolerant in (True, False):
        # A condition that accepts silence is satisfied by wishes that give it no value: seen by trying.
        wanted = [c for c in needed if not _accepts([c], kept)] if tolerant else needed
        added = _fewest(wanted, _excluded(conditions))
        if added is not None and _accepts(conditions, kept | added):
            return kept | added
    return None


def spoiling(filtre: Filtre, souhaits: Wishes) -> Wishes | None:
    """Other wishes, as near as possible, that some condition on the place refuses; None: none was found."""
    conditions = _on_place(filtre)
    options: list[Wishes] = []
    for condition in conditions:
        reached = souhaits & communes_in(condition.critere, condition.valeurs)
        if reached and not _accepts(conditions, souhaits - reached):
            options.append(souhaits - reached)
        if souhaits and not _accepts(conditions, frozenset()):
            options.append(frozenset())
        excluded = communes_in(condition.critere, condition.exclues) - souhaits
        if excluded:
            options.append(souhaits | {min(excluded)})
    refused = [option for option in options if not _accepts(conditions, option)]
    return min(refused, key=lambda option: (len(option ^ souhaits), sorted(option ^ souhaits)), default=None)


def _on_place(filtre: Filtre) -> list[Condition]:
    return [c for c in filtre.conditions if c.critere in LIEUX and isinstance(c, Condition)]


def _excluded(conditions: Iterable[Condition]) -> Wishes:
    """The communes that some condition excludes."""
    return frozenset().union(*(communes_in(c.critere, c.exclues) for c in conditions if c.exclues))


def _accepts(conditions: Iterable[Condition], souhaits: Wishes) -> bool:
    traits = traits_from(souhaits, ())
    return all(c.accepte(traits[c.critere]) for c in conditions)


def _fewest(wanted: Sequence[Condition], excluded: Wishes) -> Wishes | None:
    """The fewest communes such that each condition has one of its values; None when that is impossible."""
    if not wanted:
        return frozenset()
    served: dict[str, set[int]] = {}
    for rank, condition in enumerate(wanted):
        for code in communes_in(condition.critere, condition.valeurs) - excluded:
            served.setdefault(code, set()).add(rank)
    first: dict[frozenset[int], str] = {}
    for code, ranks in served.items():
        key = frozenset(ranks)
        first[key] = min(code, first.get(key, code))
    for size in range(1, len(wanted) + 1):
        for ways in combinations(sorted(first, key=lambda way: first[way]), size):
            if len(frozenset().union(*ways)) == len(wanted):
                return frozenset(first[way] for way in ways)
    return None

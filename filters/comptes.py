"""Counting rows by code, from how many rows name each set of codes.

Sets are added and never change: those that were known when an `Inverse` was made are read from it, code by
code, which costs a third of reading them set by set; those met since are few, and read as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.tableaux import Tableau

Effectifs = npt.NDArray[np.int64]
"""Rows by set, or by code."""

_RECENTS: Final = 16
"""An inverse is made again when one set in so many is not in it."""
_COURTS: Final = 1 << 16
"""Codes whose ranks fit sixteen bits, which numpy sorts by their digits: six times as fast."""


class Inverse:
    """The sets of each code, for the first `nombre` sets. elements: the codes of these, set after set; fins:
    where each ends."""

    def __init__(self, elements: Tableau, fins: Tableau) -> None:
        self.nombre = len(fins)
        owners = np.repeat(np.arange(self.nombre, dtype=np.uint32), np.diff(fins, prepend=0))
        codes = int(elements.max()) + 1 if len(elements) else 0
        order = np.argsort(elements.astype(np.uint16) if codes <= _COURTS else elements, kind="stable")
        self._sets = owners[order]
        ends = np.cumsum(np.bincount(elements, minlength=codes))
        self._bounds = np.concatenate([np.zeros(1, np.int64), ends])
        self._said = np.flatnonzero(np.diff(self._bounds))
        self._unions: dict[tuple[int, ...], Tableau] = {}

    def serves(self, nombre: int) -> bool:
        """Whether it holds enough of so many sets."""
        return (nombre - self.nombre) * _RECENTS <= nombre

    def count(self, rows: Effectifs, by_code: Effectifs) -> None:
        """Add to each code the rows of its sets."""
        if len(self._said):
            # Counts of rows fit 32 bits, and half the memory is read.
            named = rows.astype(np.int32)[self._sets]
            by_code[self._said] += np.add.reduceat(named, self._bounds[self._said])

    def count_any(self, rows: Effectifs, codes: Collection[int]) -> int:
        """The rows whose set holds one of these codes at least."""
        key = tuple(sorted(code for code in codes if code < len(self._bounds) - 1))
        if key not in self._unions:
            parts = [self._sets[self._bounds[code] : self._bounds[code + 1]] for code in key]
            self._unions[key] = np.unique(np.concatenate(parts)) if parts else self._sets[:0]
        return int(rows[self._unions[key]].sum())


def count_few(elements: Tableau, sizes: Tableau, rows: Effectifs, by_code: Effectifs) -> None:
    """Add to each code the rows of these sets. elements: their codes, set after set, `sizes` of each."""
    found = np.bincount(elements, np.repeat(rows, sizes), len(by_code))
    by_code += found.astype(np.int64)


def count_few_any(
    elements: Tableau, sizes: Tableau, rows: Effectifs, groups: Mapping[str, Collection[int]], codes: int
) -> dict[str, int]:
    """The rows of these sets that hold one code at least of each group; a code is of one group at most.
    codes: how many there are."""
    group_of = np.zeros(codes, np.uint8)
    for rank, members in enumerate(groups.values(), 1):
        group_of[list(members)] = rank
    grouped = group_of[elements]
    places = np.flatnonzero(grouped)
    owners = np.searchsorted(np.cumsum(sizes), places, side="right")
    found = {}
    for rank, key in enumerate(groups, 1):
        # Once for a set, however many of its codes are of the group.
        saying: npt.NDArray[Any] = np.zeros(len(rows), np.bool_)
        saying[owners[grouped[places] == rank]] = True
        found[key] = int(rows[saying].sum())
    return found

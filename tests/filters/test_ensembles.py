"""Counting over a column of sets gives what counting one row after the other gives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.ensembles import Ensembles

GROUPES = {"paire": ("a", "b"), "autre": ("c", "jamais"), "nulle": ("inconnu",)}
SETS = st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=4), max_size=60)


def counted(rows: list[frozenset[str]]) -> dict[str, int]:
    found = Counter(code for row in rows for code in row)
    found.update({key: sum(not row.isdisjoint(codes) for row in rows) for key, codes in GROUPES.items()})
    return {key: count for key, count in found.items() if count}


@settings(max_examples=200, deadline=None)
@given(st.lists(SETS, min_size=1, max_size=4), st.data())
def test_counts_are_those_of_a_loop(waves: list[list[frozenset[str]]], data: st.DataObject) -> None:
    """[FIL-41] By code and by group, over many rows or few, sets being added between the counts."""
    column = Ensembles("essai", 2**32, None)
    rows: list[frozenset[str]] = []
    for wave in waves:
        column.reserve(len(rows) + len(wave))
        column.put(slice(len(rows), len(rows) + len(wave)), wave)
        rows += wave
        kept = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
        for lignes in (np.arange(len(rows)), np.flatnonzero(np.array(kept, np.bool_))):
            assert column.count(lignes, GROUPES) == counted([rows[line] for line in lignes.tolist()])


def test_counts_of_sets_met_since_the_first_count() -> None:
    """[FIL-41] A set, and a code, that the inverse does not hold are counted all the same."""
    column = Ensembles("essai", 2**32, None)
    rows = [frozenset({f"{rank:03d}", "a"}) for rank in range(100)]
    column.reserve(102)
    column.put(slice(0, 100), rows)
    every = np.arange(100)
    assert column.count(every, GROUPES) == counted(rows)
    late = [frozenset({"b", "neuf"}), frozenset({"c"})]
    column.put(slice(100, 102), late)
    assert column.count(np.arange(102), GROUPES) == counted(rows + late)


def test_counts_after_codes_written_for_nothing(tmp_path: Path) -> None:
    """[FIL-42] A writer killed between a code and its set leaves a code that no set holds."""
    column = Ensembles("essai", 2**32, tmp_path)
    rows = [frozenset({"a", "f"}), frozenset({"c"})] * 20
    column.reserve(41)
    column.put(slice(0, 40), rows)
    known = column.nombre
    column.put(slice(40, 41), [frozenset({"perdu"})])
    column.flush()
    again = Ensembles("essai", 2**32, tmp_path)
    again.reopen(known)
    assert again.count(np.arange(40), GROUPES) == counted(rows)

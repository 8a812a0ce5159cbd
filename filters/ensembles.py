"""A column of sets of codes: each row names one set among those that occur, which are far fewer than rows.

A condition is then answered once for each set and read for each row, the same for three motives as for eight
communes among thirty-five thousand.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from filters.comptes import Inverse, count_few, count_few_any
from filters.tableaux import Colonne, Lignes, Masque, Tableau

Codes = frozenset[str]

_SPARSE: Final = 16
_FEW: Final = 65_536
"""Sets known again when a file is opened: where there are more, a set met later may be kept twice."""
_GENRES: Final = ((250, np.uint8), (60_000, np.uint16))


class Ensembles:
    """Sets of codes by row.

    possibles: how many different sets the column may meet at most.
    rangs: the codes met, with their rank. Set 0 is the empty one.
    """

    def __init__(self, nom: str, possibles: int, dossier: Path | None) -> None:
        genre = next((kind for most, kind in _GENRES if possibles <= most), np.uint32)
        self._par_ligne = Colonne(nom, genre, dossier)
        self._elements = Colonne(f"{nom}.elements", np.uint32, dossier)
        # Where each set ends among the elements; the first one, which is empty, ends at 0.
        self._fins = Colonne(f"{nom}.fins", np.int64, dossier)
        self._codes = None if dossier is None else dossier / f"{nom}.codes"
        self.rangs: dict[str, int] = {}
        self.nombre = 1
        self._connus: dict[Codes, int] = {frozenset(): 0}
        self._par_rang: Tableau = np.zeros(0, object)
        self._inverse: Inverse | None = None
        self._fins.reserve(1)
        if self._codes is not None and self._codes.exists():
            found = self._codes.read_text(encoding="ascii").splitlines()
            self.rangs = {json.loads(line): rank for rank, line in enumerate(found)}

    def reopen(self, nombre: int) -> None:
        """Take up the first `nombre` sets of the file."""
        self.nombre = nombre
        if nombre <= _FEW:
            codes = list(self.rangs)
            fins = self._fins.valeurs[:nombre].tolist()
            elements = self._elements.valeurs[: fins[-1]].tolist()
            for rank, (start, end) in enumerate(pairwise(fins), 1):
                self._connus[frozenset(codes[each] for each in elements[start:end])] = rank

    def put(self, lignes: Lignes | slice, valeurs: Sequence[Codes]) -> None:
        """Write these rows, for which there is room."""
        self._par_ligne.valeurs[lignes] = [self._rank(each) for each in valeurs]

    def reserve(self, taille: int) -> None:
        self._par_ligne.reserve(taille)

    def flush(self) -> None:
        for colonne in (self._par_ligne, self._elements, self._fins):
            colonne.flush()

    def answer(self, lignes: Lignes | slice, par_ensemble: Masque) -> Masque:
        """What was answered for each set, for each of these rows."""
        return np.take(par_ensemble, self._par_ligne.valeurs[lignes])

    def meeting(self, codes: Iterable[str]) -> Masque:
        """By set: whether it holds one of these codes."""
        found = np.zeros(self.nombre, np.bool_)
        ranks = [self.rangs[code] for code in codes if code in self.rangs]
        if not ranks:
            return found
        wanted = np.zeros(len(self.rangs), np.bool_)
        wanted[ranks] = True
        fins = self._fins.valeurs[: self.nombre]
        places = np.flatnonzero(wanted[self._elements.valeurs[: fins[-1]]])
        found[np.searchsorted(fins, places, side="right")] = True
        return found

    def count(self, lignes: Lignes, groups: Mapping[str, Collection[str]]) -> dict[str, int]:
        """How many of these rows say each code, and one at least of each group; zeros are left out.

        groups: the codes of each; a code is of one group at most.
        """
        named = self._par_ligne.valeurs[lignes]
        by_code = np.zeros(len(self.rangs), np.int64)
        members = {
            key: [self.rangs[code] for code in said if code in self.rangs] for key, said in groups.items()
        }
        by_group = dict.fromkeys(groups, 0)
        if len(lignes) * _SPARSE < self.nombre:
            sets, rows = np.unique(named, return_counts=True)
            sets, rows = sets[sets > 0].astype(np.intp), rows[sets > 0]
        else:
            rows = np.bincount(named, minlength=self.nombre)[1:]
            inverse = self._inverse_of_sets()
            inverse.count(rows[: inverse.nombre], by_code)
            by_group = {key: inverse.count_any(rows, codes) for key, codes in members.items()}
            sets, rows = np.arange(inverse.nombre + 1, self.nombre), rows[inverse.nombre :]
        elements, sizes = self._elements_of(sets)
        count_few(elements, sizes, rows, by_code)
        if groups:
            few = count_few_any(elements, sizes, rows, members, len(by_code))
            by_group = {key: count + few[key] for key, count in by_group.items()}
        said = np.flatnonzero(by_code)
        codes = self._codes_by_rank()
        counts = dict(zip(codes[said].tolist(), by_code[said].tolist(), strict=True))
        return counts | {key: count for key, count in by_group.items() if count}

    def _inverse_of_sets(self) -> Inverse:
        """Made at the first count over many rows, which it costs some 0.2 s for a million sets."""
        if self._inverse is None or not self._inverse.serves(self.nombre - 1):
            fins = self._fins.valeurs[1 : self.nombre]
            self._inverse = Inverse(self._elements.valeurs[: fins[-1] if len(fins) else 0], fins)
        return self._inverse

    def _elements_of(self, sets: Lignes) -> tuple[Tableau, Tableau]:
        """The codes of these sets, one set after the other, and how many each has."""
        starts = self._fins.valeurs[sets - 1]
        sizes = self._fins.valeurs[sets] - starts
        ends = np.cumsum(sizes)
        places = np.arange(sizes.sum()) + np.repeat(starts - ends + sizes, sizes)
        return self._elements.valeurs[places], sizes

    def _codes_by_rank(self) -> Tableau:
        if len(self._par_rang) < len(self.rangs):
            self._par_rang = np.array(list(self.rangs), object)
        return self._par_rang

    def get(self, ligne: int) -> Codes:
        """The set of a row."""
        rank = int(self._par_ligne.valeurs[ligne])
        if rank == 0:
            return frozenset()
        codes = list(self.rangs)
        start, end = self._fins.valeurs[rank - 1 : rank + 1]
        return frozenset(codes[each] for each in self._elements.valeurs[start:end])

    def _rank(self, valeur: Codes) -> int:
        known = self._connus.get(valeur)
        if known is not None:
            return known
        start = int(self._fins.valeurs[self.nombre - 1])
        end = start + len(valeur)
        self._elements.reserve(end)
        self._fins.reserve(self.nombre + 1)
        self._elements.valeurs[start:end] = [self._rank_of_code(code) for code in sorted(valeur)]
        self._fins.valeurs[self.nombre] = end
        self._connus[valeur] = self.nombre
        self.nombre += 1
        return self.nombre - 1

    def _rank_of_code(self, code: str) -> int:
        rank = self.rangs.get(code)
        if rank is None:
            rank = self.rangs[code] = len(self.rangs)
            if self._codes is not None:
                self._codes.touch(0o600)
                with self._codes.open("a", encoding="ascii") as file:
                    file.write(json.dumps(code) + "\n")
        return rank

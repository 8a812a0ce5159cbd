"""The image: many demandes in columns, against which one filter is asked ([FIL-40], docs/decisions/0055).

The opposite question to that of the index: not which filters want this demande, but which demandes this
filter wants. Each condition is answered for whole columns; what a filter says of a criterion is asked of the
different values, not of the rows. All but the criteria of CONNUS, which the caller asks of the registry.

Not thread-safe. In memory, or in the files of a folder (filters.stock says who may).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from filters.criteria import CONNUS, CRITERE, LIEUX
from filters.ensembles import Ensembles
from filters.genres import CritereCodes, CritereNombre
from filters.language import AnyCondition, Condition, Filtre, Intervalle
from filters.lieux import communes_in, situation
from filters.lignes import DATES, GARDES, SOUHAITS, Ligne, bounds_of, possibles_of, rank_of, silence
from filters.tableaux import Colonne, Lignes, Masque, Tableau
from schemas import cog

Jour = date | Tableau
"""The day on which ages and seniority are counted: one for all, or AAAAMMJJ by row."""

_KEPT: Final = 16
"""Conditions whose answers by set are kept."""
_SPARSE: Final = 8
"""Below one row in so many, rows are named instead of marked."""


class Image:
    """Demandes by row, in columns. dossier: of its files, or None to keep it in memory.

    taille: rows in use, from 0. autres: columns of numbers that criteria do not need, by name, with their
    type; whoever wants them fills them.
    """

    def __init__(
        self, dossier: Path | None = None, autres: Mapping[str, npt.DTypeLike] = MappingProxyType({})
    ) -> None:
        self.taille = 0
        self._answers: dict[tuple[Condition, int], Masque] = {}
        self.numeros = Colonne("numeros", "S18", dossier)
        self.vivantes = Colonne("vivantes", np.bool_, dossier)
        self.a_relire = Colonne("a_relire", np.int32, dossier)
        self._territoires = Ensembles("territoire", 250, dossier)
        self._souhaits = Ensembles(SOUHAITS, 2**32, dossier)
        self._codes = {
            critere.nom: Ensembles(critere.nom, possibles_of(critere), dossier)
            for critere in GARDES
            if isinstance(critere, CritereCodes)
        }
        self._nombres = {
            critere.nom: Colonne(critere.nom, _genre(critere), dossier)
            for critere in GARDES
            if isinstance(critere, CritereNombre)
        }
        self._dates = {nom: Colonne(nom, np.int32, dossier) for nom in DATES}
        self.autres = {nom: Colonne(nom, genre, dossier) for nom, genre in autres.items()}

    @property
    def ensembles(self) -> dict[str, Ensembles]:
        """The columns of sets, by name."""
        return {"territoire": self._territoires, SOUHAITS: self._souhaits, **self._codes}

    def nombres(self) -> frozenset[str]:
        """The criteria kept as numbers."""
        return frozenset(self._nombres)

    def sizes(self) -> dict[str, int]:
        """How many sets each column of sets has: what `reopen` must be told."""
        return {nom: ensembles.nombre for nom, ensembles in self.ensembles.items()}

    def reopen(self, taille: int, sizes: Mapping[str, int]) -> None:
        """Take up what the files of the folder hold, as another one left it."""
        self.taille = taille
        for nom, ensembles in self.ensembles.items():
            ensembles.reopen(sizes[nom])

    def reserve(self, taille: int) -> None:
        """Make room for so many rows."""
        for colonne in self.columns():
            colonne.reserve(taille)
        for ensembles in self.ensembles.values():
            ensembles.reserve(taille)

    def flush(self) -> None:
        """Hand the changes over to the disk, when there is one."""
        for colonne in self.columns():
            colonne.flush()
        for ensembles in self.ensembles.values():
            ensembles.flush()

    def append(self, lignes: Sequence[Ligne]) -> None:
        """Add rows at the end."""
        start, self.taille = self.taille, self.taille + len(lignes)
        self.reserve(self.taille)
        self._put(slice(start, self.taille), lignes)

    def replace(self, rangs: Sequence[int], lignes: Sequence[Ligne]) -> None:
        """Write other values in these rows."""
        self._put(np.array(rangs, np.intp), lignes)

    def drop(self, rangs: Sequence[int]) -> None:
        """Forget what these rows say; their numbers stay, so that they may come back."""
        place = np.array(rangs, np.intp)
        self._put(place, [silence(numero.decode("ascii")) for numero in self.numeros.valeurs[place]])
        self.vivantes.valeurs[place] = False

    def all(self) -> Masque:
        """The rows that are not dropped. A new array."""
        return self.vivantes.valeurs[: self.taille].copy()

    def in_territoires(self, territoires: Iterable[str]) -> Masque:
        """By row: whether it is of one of these territories."""
        return self._territoires.answer(self._every(), self._territoires.meeting(territoires))

    def wishing(self, communes: Iterable[str]) -> Masque:
        """By row: whether it wishes one of these communes, by their very code."""
        return self._souhaits.answer(self._every(), self._souhaits.meeting(communes))

    def saying(self, critere: str, codes: Iterable[str], lignes: Lignes | slice) -> Masque:
        """For each of these rows: whether it has one of these codes for a criterion that is kept."""
        colonne = self._codes[critere]
        return colonne.answer(lignes, colonne.meeting(codes))

    def narrow(self, filtre: Filtre, lignes: Lignes, jour: Jour) -> Lignes:
        """As `select`, among these rows: cheaper when many filters are asked of the same few."""
        for condition in _ordered(filtre.conditions):
            lignes = lignes[self.accepting(condition, lignes, jour)]
        return lignes

    def select(self, filtre: Filtre, parmi: Masque, jour: Jour) -> Lignes:
        """The rows of `parmi` that satisfy the conditions of a filter, but those on CONNUS."""
        mask, rows = parmi, None
        for condition in _ordered(filtre.conditions):
            if rows is None and np.count_nonzero(mask) * _SPARSE < len(mask):
                rows = np.flatnonzero(mask)
            if rows is None:
                mask = mask & self.accepting(condition, self._every(), jour)
            else:
                rows = rows[self.accepting(condition, rows, jour)]
        return np.flatnonzero(mask) if rows is None else rows

    def count_by(self, critere: str, lignes: Lignes) -> dict[str, int]:
        """How many of these rows say each code of a criterion that is kept, or each commune; a row may say
        several."""
        if critere != "communes":
            return self._codes[critere].count(lignes, {})
        villes = {ville: cog.communes_of_ville(ville) for ville in cog.villes()}
        return self._souhaits.count(lignes, villes)

    def months(self, lignes: Lignes) -> dict[str, int]:
        """How many of these rows were deposited in each month, AAAA-MM; those without a date are left out."""
        counts = np.bincount(self._dates["anciennete"].valeurs[lignes] // 100)
        return {
            f"{(month - 1) // 12}-{(month - 1) % 12 + 1:02d}": int(counts[month])
            for month in np.flatnonzero(counts).tolist()
            if month
        }

    def numbers_of(self, lignes: Lignes, apres: str = "", limite: int | None = None) -> list[str]:
        """The numbers of these rows that follow `apres`, in order, `limite` at most."""
        found = self.numeros.valeurs[lignes]
        if apres:
            found = found[found > apres.encode("ascii")]
        return [numero.decode("ascii") for numero in np.sort(found)[:limite].tolist()]

    def compare(self, lignes: Lignes, others: Lignes) -> tuple[Lignes, Lignes]:
        """The rows that are not among the others, and the others that are not among the rows."""
        ours, theirs = np.zeros((2, self.taille), np.bool_)
        ours[lignes] = True
        theirs[others] = True
        return np.flatnonzero(ours & ~theirs), np.flatnonzero(theirs & ~ours)

    def to_read_again(self, jour: date) -> Lignes:
        """The rows whose values are no longer those of that day."""
        due = self.a_relire.valeurs[: self.taille]
        return np.flatnonzero((due != 0) & (due <= rank_of("age_demandeur", jour)))

    def _every(self) -> slice:
        return slice(0, self.taille)

    def columns(self) -> list[Colonne]:
        """The columns of one value a row."""
        return [
            self.numeros, self.vivantes, self.a_relire, *self._nombres.values(), *self._dates.values(),
            *self.autres.values(),
        ]  # fmt: skip

    def _put(self, place: Lignes | slice, lignes: Sequence[Ligne]) -> None:
        self.numeros.valeurs[place] = [ligne.numero.encode("ascii") for ligne in lignes]
        self.vivantes.valeurs[place] = True
        self.a_relire.valeurs[place] = [
            0 if ligne.a_relire is None else rank_of("age_demandeur", ligne.a_relire) for ligne in lignes
        ]
        self._territoires.put(place, [frozenset({ligne.territoire} - {""}) for ligne in lignes])
        self._souhaits.put(place, [ligne.souhaits for ligne in lignes])
        for nom, ensembles in self._codes.items():
            ensembles.put(place, [_codes(ligne, nom) for ligne in lignes])
        for nom, nombres in self._nombres.items():
            critere = CRITERE[nom]
            assert isinstance(critere, CritereNombre)
            low, high = bounds_of(critere)
            silent = np.iinfo(nombres.valeurs.dtype).min
            nombres.valeurs[place] = [
                silent if said is None else min(max(said, low), high)
                for said in (_nombre(ligne, nom) for ligne in lignes)
            ]
        for nom, dates in self._dates.items():
            dates.valeurs[place] = [ligne.dates[nom] for ligne in lignes]

    def accepting(self, condition: AnyCondition, lignes: Lignes | slice, jour: Jour) -> Masque:
        """For each of these rows: whether it satisfies a condition, which is not on CONNUS."""
        if isinstance(condition, Condition):
            ensembles = self._souhaits if condition.critere in LIEUX else self._codes[condition.critere]
            return ensembles.answer(lignes, self._by_set(ensembles, condition))
        if condition.critere not in DATES:
            values = self._nombres[condition.critere].valeurs[lignes]
            return _between(condition, values, values == np.iinfo(values.dtype).min)
        start = self._dates[condition.critere].valeurs[lignes]
        today = _today(condition.critere, jour, lignes)
        silent = (start == 0) | (start > today)
        return _between(condition, (today - start) // DATES[condition.critere], silent)

    def _by_set(self, ensembles: Ensembles, condition: Condition) -> Masque:
        """What a condition answers for each set; kept: two versions of a filter share most of theirs."""
        key = (condition, ensembles.nombre)
        if key not in self._answers:
            if len(self._answers) >= _KEPT:
                self._answers.clear()
            self._answers[key] = _accepting_sets(ensembles, condition)
        return self._answers[key]


def _accepting_sets(ensembles: Ensembles, condition: Condition) -> Masque:
    """By set: what the condition answers ([FIL-3], [FIL-5]).

    A set says something when it is not empty; of the place, when one of its communes is somewhere.
    """
    critere = condition.critere
    if critere in LIEUX:
        wanted, excluded = communes_in(critere, condition.valeurs), communes_in(critere, condition.exclues)
    else:
        wanted, excluded = condition.valeurs, condition.exclues
    if condition.valeurs and not condition.absent:
        accepted = ensembles.meeting(wanted)
    else:
        codes = [code for code in ensembles.rangs if critere not in LIEUX or _of_place(critere, code)]
        says = ensembles.meeting(codes)
        accepted = ensembles.meeting(wanted) if condition.valeurs else says
        if condition.absent:
            accepted = accepted | ~says
    return accepted & ~ensembles.meeting(excluded) if excluded else accepted


def _of_place(critere: str, code: str) -> frozenset[str]:
    """The values that a wished commune gives to a criterion of place."""
    found = situation(code)
    return {
        "communes": found.lieux,
        "epci": found.epci,
        "departements": found.departements,
        "territoires": found.territoires,
    }[critere]


def _between(condition: Intervalle, values: Tableau, silent: Masque) -> Masque:
    """[FIL-4] [FIL-5]"""
    inside = np.ones(len(values), np.bool_)
    if condition.mini is not None:
        inside &= values >= condition.mini
    if condition.maxi is not None:
        inside &= values <= condition.maxi
    accepted = ~inside if condition.hors else inside
    return accepted | silent if condition.absent else accepted & ~silent


def _today(critere: str, jour: Jour, lignes: Lignes | slice) -> int | Tableau:
    if isinstance(jour, date):
        return rank_of(critere, jour)
    days: Tableau = jour[lignes]
    if DATES[critere] == 10_000:
        return days
    ranks: Tableau = (days // 10_000 * 12 + days // 100 % 100) * 100 + days % 100
    return ranks


def _ordered(conditions: Iterable[AnyCondition]) -> list[AnyCondition]:
    """The conditions that an image can answer, the place first: it leaves the fewest rows to the others."""
    kept = [condition for condition in conditions if condition.critere not in CONNUS]
    return sorted(kept, key=lambda condition: condition.critere not in LIEUX)


def _genre(critere: CritereNombre) -> type[np.signedinteger]:
    """The smallest type that holds the numbers brought back between the bounds, and one more for none."""
    low, high = bounds_of(critere)
    for kind in (np.int8, np.int16):
        if np.iinfo(kind).min < low and high <= np.iinfo(kind).max:
            return kind
    return np.int32


def _codes(ligne: Ligne, nom: str) -> frozenset[str]:
    found = ligne.valeurs[nom]
    assert isinstance(found, frozenset)
    return found


def _nombre(ligne: Ligne, nom: str) -> int | None:
    found = ligne.valeurs[nom]
    assert not isinstance(found, frozenset)
    return found

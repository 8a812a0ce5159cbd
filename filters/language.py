"""The filter language: a filter has a name and conditions, all of which must hold; filters of a guichet are
an OR. A criterion that the filter does not mention accepts everything ([FIL-1], [FIL-2]).

`filters.reading` reads what a guichet writes into these values, `filters.schema` publishes its form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import msgspec

from filters.criteria import CRITERE, CRITERES
from filters.genres import NON, OUI, CritereCodes, Valeur

MAX_FILTRES: Final = 200
"""Filters of one guichet, or in one text. The largest guichets are expected to have some 20."""
MAX_VALEURS: Final = 2_000
"""Values in one condition: more than the communes of any territory (1,268 in Île-de-France)."""
MAX_NOM: Final = 100

_ACCEPTE: Final = "accepte"
_RANG: Final = {critere.nom: rang for rang, critere in enumerate(CRITERES)}
_BY_RANG: Final = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Condition:
    """The demande has at least one of `valeurs`, when there are some, and none of `exclues` ([FIL-3]).

    absent: whether a demande that says nothing for the criterion is accepted ([FIL-5]).
    """

    critere: str
    valeurs: frozenset[str] = frozenset()
    exclues: frozenset[str] = frozenset()
    absent: bool = False

    def accepte(self, valeur: Valeur) -> bool:
        """Whether a demande with these codes satisfies the condition."""
        assert isinstance(valeur, frozenset), f"{self.critere} est un critère de codes"
        if not valeur:
            return self.absent
        if self.valeurs and self.valeurs.isdisjoint(valeur):
            return False
        return self.exclues.isdisjoint(valeur)


@dataclass(frozen=True, slots=True)
class Intervalle:
    """The demande has a number from `mini` to `maxi`, both included, or with `hors` any other ([FIL-4]).

    mini, maxi: None when there is no bound; at least one is. absent: as for `Condition`.
    """

    critere: str
    mini: int | None = None
    maxi: int | None = None
    hors: bool = False
    absent: bool = False

    def accepte(self, valeur: Valeur) -> bool:
        """Whether a demande with this number satisfies the condition."""
        assert not isinstance(valeur, frozenset), f"{self.critere} est un critère de nombre"
        if valeur is None:
            return self.absent
        return self.hors != (
            (self.mini is None or self.mini <= valeur) and (self.maxi is None or valeur <= self.maxi)
        )


AnyCondition = Condition | Intervalle


class Filtre(msgspec.Struct, frozen=True, gc=False):
    """A named filter. `conditions`: at most one per criterion, in the order of CRITERES; none accepts all
    ([DST-4])."""

    nom: str
    conditions: tuple[AnyCondition, ...] = ()


def filtre(nom: str, *conditions: AnyCondition, **valeurs: Sequence[str]) -> Filtre:
    """A filter from conditions already checked; a sequence of codes means « au moins un de »:
    ``filtre("T2", types_logement=["T2"])``. Raises KeyError on an unknown criterion and ValueError on an
    empty condition or two on one criterion."""
    for name, codes in valeurs.items():
        if not codes:
            raise ValueError(f"condition vide : {CRITERE[name].nom}")
    return ordered(nom, [*conditions, *(Condition(n, frozenset(codes)) for n, codes in valeurs.items())])


def ordered(nom: str, conditions: Collection[AnyCondition]) -> Filtre:
    """A filter with its conditions in their order. Raises KeyError and ValueError as `filtre`."""
    by_name = {condition.critere: condition for condition in conditions}
    if len(by_name) < len(conditions):
        raise ValueError("deux conditions sur un même critère")
    # An unknown name is a fault of the caller: KeyError.
    return Filtre(nom, tuple(by_name[name] for name in sorted(by_name, key=_RANG.__getitem__)))


def conditions_to_json(valeur: Filtre) -> dict[str, object]:
    """The conditions as stored and published: the shortest form of each, values in order."""
    return {condition.critere: condition_to_json(condition) for condition in valeur.conditions}


def filtre_from_json(nom: str, conditions: Mapping[str, Any]) -> Filtre:
    """The inverse of `conditions_to_json`, for what was checked before it was stored.

    Values are not compared with the reference data again: a commune that has disappeared since is kept.
    """
    return ordered(nom, [condition_from_json(name, value) for name, value in conditions.items()])


class Lecteur:
    """Reads many stored filters: equal conditions are read once, and shared."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], tuple[int, AnyCondition]] = {}
        self._split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def read(self, nom: str, conditions: str) -> Filtre:
        """The inverse of `conditions_to_json`, from JSON text; as `filtre_from_json`."""
        found = []
        for name, raw in self._split(conditions).items():
            key = (name, bytes(raw))
            known = self._known.get(key)
            if known is None:
                condition = condition_from_json(name, msgspec.json.decode(raw))
                known = self._known[key] = (_RANG[name], condition)
            found.append(known)
        found.sort(key=_BY_RANG)
        return Filtre(nom, tuple([condition for _, condition in found]))


def condition_from_json(nom: str, valeur: Any) -> AnyCondition:
    """One condition in any of its written forms, already checked."""
    if isinstance(valeur, list):
        return Condition(nom, frozenset(valeur))
    if isinstance(valeur, bool):
        return Condition(nom, frozenset({OUI if valeur else NON}))
    absent = valeur.get("absent") == _ACCEPTE
    if "vaut" in valeur:
        return Condition(nom, frozenset({OUI if valeur["vaut"] else NON}), absent=absent)
    if isinstance(CRITERE[nom], CritereCodes):
        return Condition(
            nom, frozenset(valeur.get("au_moins_un", ())), frozenset(valeur.get("aucun", ())), absent
        )
    return Intervalle(nom, valeur.get("min"), valeur.get("max"), valeur.get("hors", False), absent)


def condition_to_json(condition: AnyCondition) -> object:
    """The shortest written form of a condition."""
    absent = {"absent": _ACCEPTE} if condition.absent else {}
    if isinstance(condition, Intervalle):
        bounds = {"min": condition.mini, "max": condition.maxi, "hors": condition.hors or None}
        return {name: value for name, value in bounds.items() if value is not None} | absent
    critere = CRITERE[condition.critere]
    assert isinstance(critere, CritereCodes)
    if critere.oui_non and len(condition.valeurs) == 1 and not condition.exclues:
        yes = OUI in condition.valeurs
        return {"vaut": yes} | absent if absent else yes
    if condition.valeurs and not condition.exclues and not absent:
        return sorted(condition.valeurs)
    codes = {"au_moins_un": sorted(condition.valeurs), "aucun": sorted(condition.exclues)}
    return {name: values for name, values in codes.items() if values} | absent
